"""Tests of Celery's names over Bureau beside a Bureau in one process, which runs the tasks."""
