"""Holds what a process has of Celery's: its apps, and the tasks by their name.

A task may be declared before there is an app (`shared_task`), so tasks belong to the process. Nothing here is made by
the import of a module but empty containers.
"""

from contextvars import ContextVar
from typing import Any

from bureau.celery.exceptions import AlreadyRegistered
from bureau.celery.settings import Settings

TASKS: dict[str, Any] = {}  # bureau.celery.app.task.Task by name
APPS: list[Any] = []  # bureau.celery.app.base.Celery, the last one is the current one
CURRENT: ContextVar[Any] = ContextVar("bureau_celery_current", default=None)  # the task that runs, and its request
_NO_APP = Settings()


def conf() -> Settings:
    """Returns the settings of the current app; without an app the defaults."""
    return APPS[-1].conf if APPS else _NO_APP


def register(task: Any) -> Any:
    """Registers a task under its name. Raises `AlreadyRegistered` if another function has it."""
    known = TASKS.get(task.name)
    if known is not None and _home(known) != _home(task):
        raise AlreadyRegistered(f"Two tasks are called {task.name}: {_home(known)} and {_home(task)}.")
    TASKS[task.name] = task
    return task


def _home(task: Any) -> str:
    function = getattr(task, "__wrapped__", None) or type(task)
    return f"{function.__module__}.{function.__qualname__}"
