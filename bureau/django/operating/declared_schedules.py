"""Reads the schedules that a project declares: in BUREAU_SCHEDULES of its settings, or in a file.

    BUREAU_SCHEDULES = {
        "remind": {"cron": "0 7 * * 1-5", "time_zone": "Europe/Paris", "task": "shop.tasks.remind", "args": ["Ada"]},
    }

An entry has the fields of `PUT /v1/schedules/{name}`. Instead of `job` it may name one of the project's tasks.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from bureau.django.backend import BureauBackend
from bureau.django.tasks_api import InvalidTask, Task, task_backends

TIMING = ("cron", "every_seconds", "time_zone", "enabled", "misfire")
REQUESTS = ("job", "report", "email", "certificates")
OF_TASK = ("args", "kwargs", "queue", "priority")
_KNOWN = frozenset({"task", *TIMING, *REQUESTS, *OF_TASK})

Body = dict[str, Any]


def declared_schedules(file: str | Path | None = None) -> dict[str, Body]:
    """Returns the body of `PUT /v1/schedules/{name}` of each schedule, by its name.

    Raises `ImproperlyConfigured` with all errors, so that nothing is changed at the gateway if one is wrong.
    """
    entries = _entries(file)
    found: dict[str, Body] = {}
    errors: list[str] = []
    for name, entry in entries.items():
        try:
            found[name] = schedule_body(entry)
        except (InvalidTask, TypeError, ValueError) as error:
            errors.append(f"{name}: {error}")
    if errors:
        raise ImproperlyConfigured("\n".join(errors))
    return found


def _entries(file: str | Path | None) -> Mapping[str, Any]:
    given: Any = file or getattr(settings, "BUREAU_SCHEDULES", None)
    if given is None:
        raise ImproperlyConfigured("no schedules: set BUREAU_SCHEDULES (to {} to delete all), or name a file")
    entries = _read(Path(given)) if isinstance(given, str | Path) else given
    if not isinstance(entries, Mapping):
        raise ImproperlyConfigured("the schedules are a table of names and entries")
    return entries


def _read(file: Path) -> Any:
    try:
        text = file.read_text("utf-8")
        read = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ImproperlyConfigured(f"{file}: {error.strerror}") from error
    except ValueError as error:  # of both languages
        raise ImproperlyConfigured(f"{file} is neither JSON nor, as .toml, TOML: {error}") from error
    return read.get("schedules", read) if isinstance(read, dict) else read


def schedule_body(entry: Any) -> Body:
    """Returns what to put for an entry; the gateway checks more. Raises `ValueError`, `TypeError`, `InvalidTask`."""
    if not isinstance(entry, Mapping):
        raise ValueError("write a table with cron or every_seconds, and what to submit")
    if unknown := sorted(entry.keys() - _KNOWN):
        raise ValueError(f"{', '.join(unknown)}: not known; the keys are {', '.join(sorted(_KNOWN))}")
    if len(asked := [key for key in ("task", *REQUESTS) if key in entry]) != 1:
        raise ValueError(f"one of task, {', '.join(REQUESTS)} says what is submitted; it has {len(asked)} of them")
    if ("cron" in entry) == ("every_seconds" in entry):
        raise ValueError("either cron or every_seconds says when")
    if "task" not in entry and (stray := [key for key in OF_TASK if key in entry]):
        raise ValueError(f"{', '.join(stray)}: only beside task")
    body = {key: entry[key] for key in (*TIMING, *REQUESTS) if key in entry}
    return body | {"job": _job(entry)} if "task" in entry else body


def _job(entry: Mapping[str, Any]) -> Body:
    """Returns the job of a task, without a title: the jobs are named after the schedule."""
    task = _task(str(entry["task"]))
    backend = task_backends[task.backend]
    if not isinstance(backend, BureauBackend):
        raise InvalidTask(f"{entry['task']} runs on {type(backend).__qualname__}, which has no schedules")
    sent = task.using(queue_name=entry.get("queue"), priority=entry.get("priority"))
    body = backend.job_body(sent, entry.get("args", []), entry.get("kwargs", {}))
    return {key: value for key, value in body.items() if key != "title"}


def _task(path: str) -> Task:
    try:
        task = import_string(path)
    except ImportError as error:
        raise InvalidTask(str(error)) from error
    if not isinstance(task, Task):
        raise InvalidTask(f"{path} is no task: decorate the function with @task()")
    return task
