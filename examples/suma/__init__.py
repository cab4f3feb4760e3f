"""A service of one's own, in one file. Run it with `dramatiq bureau.worker examples.suma.tasks`."""
