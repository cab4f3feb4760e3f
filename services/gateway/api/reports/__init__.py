"""Holds the resources for reports: submissions and previews."""
