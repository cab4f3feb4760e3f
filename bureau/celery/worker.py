"""Declares a project's tasks for a worker: `bureau worker bureau.celery.worker`.

BUREAU_CELERY_APP names the app, as `celery -A` does, and BUREAU_CELERY_QUEUES the queues, with commas between them;
without it all queues of the project. `python -m bureau.celery -A config worker -Q celery,slow` sets both.
"""

import os

from bureau.celery import names, state
from bureau.task import DECLARED


def declare(app_name: str, queues: str) -> None:
    """Declares the tasks of these queues. Raises `ImproperlyConfigured`, `NotInBureau`."""
    names.install()
    from bureau.celery.app.control import queues as queues_of_project
    from bureau.celery.running import life
    from bureau.celery.running.calling import bureau_task
    from bureau.celery.running.found_app import found_app

    app = found_app(app_name)
    app.load()
    wanted = [one.strip() for one in queues.split(",") if one.strip()] or sorted(queues_of_project())
    for queue in wanted:
        for task in state.TASKS.values():
            made = bureau_task(task, queue)
            DECLARED[made.name] = made
    life.begin()


declare(os.environ.get("BUREAU_CELERY_APP", ""), os.environ.get("BUREAU_CELERY_QUEUES", ""))
