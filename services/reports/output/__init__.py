"""Holds the writing of rows as CSV."""
