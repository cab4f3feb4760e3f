"""Tests of Celery's names over Bureau, without a Bureau."""
