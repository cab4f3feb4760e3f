"""Converts the names of Celery's queues and tasks into Bureau's. The functions are pure."""

import re

from bureau.celery.exceptions import NotInBureau

SHIPPED = frozenset({"certificates", "mailer", "reports"})  # services of Bureau's own
_OTHER = re.compile(r"[^a-z0-9_]")
_OTHER_IN_PATH = re.compile(r"[^a-z0-9_.]")
_QUEUE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_PATH = re.compile(r"[a-z][a-z0-9_.]{0,79}")
_STEP = re.compile(r"[^A-Za-z0-9_]")


def queue_name(queue: str) -> str:
    """Returns the queue as Bureau calls it: in lower case, with `_` for other characters (`high-priority`).

    Raises `NotInBureau` for one that Bureau cannot have.
    """
    name = _OTHER.sub("_", str(queue).lower())
    if not _QUEUE.fullmatch(name):
        raise NotInBureau(f"the queue {queue!r} begins with no letter, or has more than 40 characters; rename it")
    if name in SHIPPED:
        raise NotInBureau(f"the queue {queue!r} belongs to a service of Bureau's; rename it")
    return name


def task_path(task: str) -> str:
    """Returns a task's name as Bureau writes it after the queue."""
    return _OTHER_IN_PATH.sub("_", task.lower())


def run_name(queue: str, task: str) -> str:
    """Returns the name of a task in Bureau: its queue and its path. Raises `NotInBureau`."""
    path = task_path(task)
    if not _PATH.fullmatch(path):
        raise NotInBureau(f"the task {task!r} begins with no letter, or has more than 80 characters: @task(name=…)")
    return f"{queue_name(queue)}.{path}"


def step_name(task: str) -> str:
    """Returns the name of a step of a job: the last part of a task's name."""
    return _STEP.sub("_", task.rpartition(".")[2])[:80] or "task"
