"""Holds what projects import from `celery.utils`."""

from uuid import uuid4


def uuid() -> str:
    """Returns a new id."""
    return str(uuid4())


gen_unique_id = uuid
