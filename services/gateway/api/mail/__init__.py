"""The resources for mail: submissions, templates, provider events, suppressions."""
