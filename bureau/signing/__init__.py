"""Holds signed links to jobs and files, and the tokens of certificates."""
