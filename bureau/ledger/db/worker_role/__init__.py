"""Holds what PostgreSQL allows the database role of workers: its grants, and its rules for each row."""
