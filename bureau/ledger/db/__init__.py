"""Holds the database layer: the engine, the tables, the migrations, and SQL helpers for all other packages."""
