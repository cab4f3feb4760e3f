"""Builds a MIME message: addresses, headers, plain text."""
