"""Reads a Celery project without running it, and tells what of it moves to Bureau: `bureau port PATH`."""
