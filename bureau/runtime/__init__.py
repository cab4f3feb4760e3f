"""Holds the worker process, which claims a task, runs it, reports on it and finishes it."""
