"""Finds the tasks of a project: those in the `tasks` modules of its installed apps."""

import sys
from functools import cache

from django.apps import apps
from django.utils.module_loading import autodiscover_modules

from bureau.django.tasks_api import InvalidTask, Task


@cache
def discovered() -> dict[str, Task]:
    """Returns the tasks by the path of their function, in lower case. Raises `InvalidTask` if two have the same."""
    autodiscover_modules("tasks")
    found: dict[str, Task] = {}
    for app in apps.get_app_configs():
        for value in vars(sys.modules.get(f"{app.name}.tasks", object)).values():
            if isinstance(value, Task) and found.setdefault(value.module_path.lower(), value).func is not value.func:
                raise InvalidTask(f"Two tasks differ only in upper and lower case: {value.module_path}.")
    return found
