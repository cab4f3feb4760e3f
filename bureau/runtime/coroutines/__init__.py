"""Holds the event loop of a worker process and the runner of `async def` tasks on it."""
