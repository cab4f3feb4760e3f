"""Holds the resources for mail: submissions, templates, provider events, suppressions."""
