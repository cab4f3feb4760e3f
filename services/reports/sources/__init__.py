"""Holds the sources of rows: PostgreSQL, MariaDB, SQLite and other databases."""
