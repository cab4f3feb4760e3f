"""Holds the project's settings and addresses."""
