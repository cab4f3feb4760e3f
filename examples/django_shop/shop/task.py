"""Imports `task`, which is Django's own from 6.0 on."""

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task

__all__ = ["task"]
