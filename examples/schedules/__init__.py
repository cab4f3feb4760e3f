"""Schedules in a file, and two tasks of one's own for them."""
