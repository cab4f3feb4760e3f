"""Tests of reading Celery projects; the projects are written for the tests."""
