"""Holds submissions without files: many are checked and inserted in one transaction."""
