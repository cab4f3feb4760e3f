"""Holds a custom service in one file. Run it with `dramatiq bureau.worker examples.suma.tasks`."""
