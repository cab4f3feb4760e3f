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
    from bureau.django.operating.queue_tasks import tasks_on

    DECLARED.update({task.name: task for task in tasks_on([queue] if queue else [], alias)})


declare(os.environ.get("BUREAU_QUEUE"), os.environ.get("BUREAU_TASKS_BACKEND", "default"))
