"""Judges each use of Celery, and makes the changes of `--write`."""
