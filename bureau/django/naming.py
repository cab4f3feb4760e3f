"""Converts names and priorities between Django's tasks and Bureau's."""

import re

from bureau.django.tasks_api import InvalidTask, Task

_QUEUE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PATH = re.compile(r"[a-z0-9_.]{1,80}")
_SHIPPED = frozenset({"certificates", "mailer", "reports"})  # services of Bureau's own
_NORMAL = 5  # Bureau's priorities are 0 to 9; Django's are -100 to 100


def run_name(task: Task) -> str:
    """Returns the name of a task in Bureau: its queue and the path of its function, in lower case.

    Raises `InvalidTask` for a name that Bureau cannot have.
    """
    path = task.module_path.lower()
    check_queue(task.queue_name)
    if not _PATH.fullmatch(path):
        raise InvalidTask(
            f"The path {task.module_path} has characters besides letters, digits, _ and ., or more than 80: "
            "move or rename the function."
        )
    return f"{task.queue_name}.{path}"


def check_queue(name: str) -> None:
    """Raises `InvalidTask` if Bureau can have no queue of this name."""
    if not _QUEUE.fullmatch(name):
        raise InvalidTask(
            f"The queue {name!r} has characters besides a-z, 0-9 and _, begins with no letter, or has more than 40: "
            "rename it in TASKS and in queue_name."
        )
    if name in _SHIPPED:
        raise InvalidTask(f"The queue {name!r} belongs to a service of Bureau's: rename it in TASKS and in queue_name.")


def priority_to_bureau(priority: int) -> int:
    """Returns 0 to 9 for -100 to 100; 0 becomes 5, the normal priority of both."""
    return _NORMAL + round(priority * ((9 - _NORMAL) if priority > 0 else _NORMAL) / 100)


def priority_to_django(priority: int) -> int:
    """Returns -100 to 100 for 0 to 9."""
    return round((priority - _NORMAL) * 100 / ((9 - _NORMAL) if priority > _NORMAL else _NORMAL))
