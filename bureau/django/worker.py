"""Declares the project's tasks for a worker: `dramatiq bureau.worker bureau.django.worker`.

DJANGO_SETTINGS_MODULE names the project's settings, BUREAU_QUEUE the queue (without it all queues, which the embedded
process can serve), and BUREAU_TASKS_BACKEND the entry of TASKS (`default`). `manage.py bureau_worker` sets them.
"""

import os

import django

from bureau.task import DECLARED


def declare(queue: str | None, alias: str) -> None:
    """Declares the tasks of one queue, or of all. Raises `ImproperlyConfigured`."""
    django.setup()
    from django.core.exceptions import ImproperlyConfigured

    from bureau.django.backend import BureauBackend
    from bureau.django.tasks_api import task_backends

    backend = task_backends[alias]
    if not isinstance(backend, BureauBackend):
        raise ImproperlyConfigured(f"TASKS[{alias!r}] names {type(backend).__qualname__}, not BureauBackend")
    if queue and queue not in backend.queues:
        raise ImproperlyConfigured(
            f"TASKS[{alias!r}] has no queue {queue!r}; it has {', '.join(sorted(backend.queues))}"
        )
    for name in [queue] if queue else sorted(backend.queues):
        DECLARED.update({task.name: task for task in backend.bureau_tasks(name)})


declare(os.environ.get("BUREAU_QUEUE"), os.environ.get("BUREAU_TASKS_BACKEND", "default"))
