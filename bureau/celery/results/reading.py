"""Reads what Bureau knows of a task, as Celery says it: a state and a result. All but `task_of` is pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bureau.celery import state as of_process
from bureau.celery import states
from bureau.celery.exceptions import ChordError, TaskRevokedError
from bureau.celery.results.errors import exception_of
from bureau.celery.sending import gateway
from bureau.celery.sending.naming import task_path
from bureau.celery.utils.json import decoded
from bureau.client import Job, Problem

META = "celery"  # the key of a task's `meta` under which `update_state` writes
_NUMBERED = re.compile(r"\d+-")  # a step whose result is not the job's


@dataclass(frozen=True)
class Seen:
    """Holds a task's state and result as Celery has them. `task` is what Bureau says of it, if it has it."""

    state: str
    result: Any = None
    traceback: str | None = None
    task: Mapping[str, Any] = field(default_factory=dict)


UNKNOWN = Seen(states.PENDING)  # as in Celery, for an id that nobody knows


def task_of(job_id: str, name: str, wait: int = 0) -> Seen:
    """Asks the gateway for a task. With `wait` it may take so many seconds, until the job has ended."""
    client = gateway.client()
    headers = {"Prefer": f"wait={wait}"} if wait else {}
    try:
        job = Job(client.connection, client.connection.get(f"/v1/jobs/{job_id}", headers=headers))
    except Problem as problem:
        if problem.status != 404:
            raise
        return UNKNOWN
    tasks = job.tasks
    return seen(tasks if len(tasks) < 100 else list(job.all_tasks()), name)


def seen(tasks: Sequence[Mapping[str, Any]], name: str) -> Seen:
    """Returns the state of the task of this name; without a name of the one whose result is the job's."""
    task = _main(tasks) if not name else next((one for one in tasks if one["name"] == name), None)
    if task is None:
        return UNKNOWN if name else _of_all(tasks)
    told = task["state"]
    meta = (task.get("meta") or {}).get(META) or {}
    if told == "succeeded":
        return Seen(states.SUCCESS, decoded(task["result"]), None, task)
    if told == "failed":
        return Seen(states.FAILURE, exception_of(task["error"]), _traceback(task), task)
    if told == "cancelled":
        if meta.get("final"):  # the task set a state of its own and raised Ignore
            return Seen(meta["state"], decoded(meta.get("meta")), None, task)
        return Seen(
            states.REVOKED, exception_of(task["error"] or {"code": "cancelled", "message": "revoked"}), None, task
        )
    if told == "skipped":
        return _skipped(tasks, task)
    if told == "retrying":
        return Seen(states.RETRY, _last_error(task), _traceback(task), task)
    if told == "running":
        return _running(task, meta)
    return Seen(states.PENDING, None, None, task)


def _running(task: Mapping[str, Any], meta: Mapping[str, Any]) -> Seen:
    if meta:
        return Seen(meta["state"], decoded(meta.get("meta")), None, task)
    if of_process.conf().task_track_started or getattr(registered(task["run"]), "track_started", False):
        return Seen(states.STARTED, {"hostname": task["worker"]}, None, task)
    return Seen(states.PENDING, None, None, task)


def _skipped(tasks: Sequence[Mapping[str, Any]], task: Mapping[str, Any]) -> Seen:
    """Returns the failure of what a task waited for: in Celery a chord's body has a ChordError, and a chain that of
    its step."""
    failed = [one for one in _before(tasks, task) if one["state"] == "failed"]
    if not failed:
        return Seen(states.REVOKED, TaskRevokedError("revoked"), None, task)
    error = exception_of(failed[0]["error"])
    if len(task["after"]) > 1:
        error = ChordError(f"Dependency {failed[0]['name']} raised {error!r}")
    return Seen(states.FAILURE, error, _traceback(failed[0]), task)


def _before(tasks: Sequence[Mapping[str, Any]], task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns all that a task waits for, directly or not, in the order of the job."""
    by_name = {one["name"]: one for one in tasks}
    wanted, todo = set(), list(task["after"])
    while todo:
        name = todo.pop()
        if name in by_name and name not in wanted:
            wanted.add(name)
            todo.extend(by_name[name]["after"])
    return [one for one in tasks if one["name"] in wanted]


def failed_before(tasks: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Mapping[str, Any] | None:
    """Returns the first failed task of `names` and of what they waited for."""
    waited = _before(tasks, {"after": list(names)})
    return next((one for one in waited if one["state"] == "failed"), None)


def _main(tasks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    if len(tasks) == 1:
        return tasks[0]
    return next((one for one in tasks if not is_numbered(one["name"])), None)


def is_numbered(step: str) -> bool:
    """Returns whether the result of a step is not the job's: it has an id of its own, `<job>:<step>`."""
    return _NUMBERED.match(step) is not None


def _of_all(tasks: Sequence[Mapping[str, Any]]) -> Seen:
    """Returns the state of a job that ends in a group, which has the result of no single task."""
    told = [seen(tasks, one["name"]) for one in tasks]
    for wanted in (states.FAILURE, states.REVOKED):
        if found := next((one for one in told if one.state == wanted), None):
            return found
    if all(one.state == states.SUCCESS for one in told):
        return Seen(states.SUCCESS)
    return UNKNOWN


def _last_error(task: Mapping[str, Any]) -> Any:
    errors = [attempt["error"] for attempt in task["attempts"] if attempt["error"]]
    return exception_of(errors[-1]) if errors else None


def _traceback(task: Mapping[str, Any]) -> str | None:
    traces = [trace for attempt in task["attempts"] if (trace := attempt.get("traceback"))]
    return traces[-1] if traces else None


def registered(run: str) -> Any:
    """Returns the task of this process that Bureau runs under this name; None for one it does not have."""
    path = run.partition(".")[2]
    return next((task for name, task in of_process.TASKS.items() if task_path(name) == path), None)
