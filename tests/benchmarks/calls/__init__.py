"""Measures many slow calls in one process, as `async def` tasks: `make bench-calls`."""
