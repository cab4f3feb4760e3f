"""Signed links to files, and the tokens of certificates."""
