"""Holds the routes, one file per resource. Each file has a function that returns its operations."""
