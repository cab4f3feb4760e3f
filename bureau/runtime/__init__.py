"""The worker process: it claims a task, runs it, reports on it, and finishes it."""
