"""Provides Celery's names over Bureau: tasks written for Celery run in Bureau's workers; see docs/celery.md."""

from bureau.celery.app.base import Celery
from bureau.celery.app.current import current_app, current_task
from bureau.celery.app.declare import shared_task
from bureau.celery.app.task import Task
from bureau.celery.canvas import (
    Signature,
    chain,
    chord,
    chunks,
    group,
    maybe_signature,
    signature,
    subtask,
    xmap,
    xstarmap,
)
from bureau.celery.utils import uuid

__version__ = "5.7.0"  # of the names here, for code that asks
VERSION = (5, 7, 0)

__all__ = [
    "Celery",
    "Signature",
    "Task",
    "chain",
    "chord",
    "chunks",
    "current_app",
    "current_task",
    "group",
    "maybe_signature",
    "shared_task",
    "signature",
    "subtask",
    "uuid",
    "xmap",
    "xstarmap",
]
