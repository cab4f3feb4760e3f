"""Structured logs, and the line that a process writes when it starts."""
