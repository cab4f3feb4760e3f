"""Holds a custom service in one file. Run it with `bureau worker examples.suma.tasks`."""
