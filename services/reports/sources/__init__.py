"""Reads rows from PostgreSQL, MariaDB, SQLite and other databases."""
