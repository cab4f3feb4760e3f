"""Holds tasks and calls that run on Celery and on its names over Bureau, to compare what comes out."""
