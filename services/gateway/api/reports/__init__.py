"""The resources for reports: submissions and previews."""
