"""Runs tasks in a worker: begins an attempt, calls the function, says how it ended in Bureau's terms."""
