"""Holds the application as users of Celery write it: a Flask route that calls `delay()`, and tasks."""
