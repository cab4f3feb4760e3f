"""Writes rows as CSV."""
