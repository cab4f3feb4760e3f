"""Holds the settings, the app and the addresses of the clinic."""

from .celery import app as celery_app

__all__ = ["celery_app"]
