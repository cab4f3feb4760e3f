"""Gives the tasks of queues as a worker runs them."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from bureau.django.backend import BureauBackend
from bureau.django.tasks_api import task_backends
from bureau.task import Task


def queues_of(alias: str) -> list[str]:
    """Returns the queues of an entry of TASKS, by name. Raises `ImproperlyConfigured`."""
    return sorted(_backend(alias).queues)


def tasks_on(queues: Collection[str], alias: str) -> list[Task[Any, Any]]:
    """Returns the tasks of these queues, or without any of all queues. Raises `ImproperlyConfigured`."""
    backend = _backend(alias)
    if unknown := sorted(set(queues) - set(backend.queues)):
        known = ", ".join(sorted(backend.queues))
        raise ImproperlyConfigured(f"TASKS[{alias!r}] has no queue {unknown[0]!r}; it has {known}")
    return [task for queue in queues or queues_of(alias) for task in backend.bureau_tasks(queue)]


def _backend(alias: str) -> BureauBackend:
    backend = task_backends[alias]
    if not isinstance(backend, BureauBackend):
        raise ImproperlyConfigured(f"TASKS[{alias!r}] names {type(backend).__qualname__}, not BureauBackend")
    return backend
