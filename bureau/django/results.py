"""Makes Django's results from what Bureau says of a job. The functions are pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bureau.django.tasks_api import Task, TaskError, TaskResult, TaskResultStatus

FAILED_CODE = "django_task_failed"
TRACE = "Traceback"
JOB_FAILED = "bureau.client.JobFailed"
_CLASS = re.compile(r"[A-Za-z_][\w.]*\.[A-Za-z_]\w*(?=:)")
_STATUS = {
    "running": TaskResultStatus.RUNNING,
    "succeeded": TaskResultStatus.SUCCESSFUL,
    "failed": TaskResultStatus.FAILED,
    "cancelled": TaskResultStatus.FAILED,
    "skipped": TaskResultStatus.FAILED,
}


def result_of(job: Mapping[str, Any], task: Task, alias: str) -> TaskResult:
    """Returns the result of a job of one task. A state that is not listed is READY, such as queued."""
    run = job["tasks"][0]
    attempts = [attempt for attempt in run["attempts"] if attempt["started_at"]]
    began = attempts[0]["started_at"] if attempts else run["started_at"]
    result: TaskResult = TaskResult(
        task=task,
        id=job["id"],
        status=_STATUS.get(run["state"], TaskResultStatus.READY),
        backend=alias,
        enqueued_at=_moment(job["created_at"]),
        started_at=_moment(began),
        finished_at=_moment(run["finished_at"]),
        last_attempted_at=_moment(attempts[-1]["started_at"] if attempts else None),
        args=run["input"].get("args", []),
        kwargs=run["input"].get("kwargs", {}),
        errors=_errors(run, attempts),
        worker_ids=[attempt["worker"] for attempt in attempts],
    )
    object.__setattr__(result, "_return_value", run["result"])
    return result


def waiting(task: Task, job_id: str, sent: Mapping[str, Any], alias: str, since: datetime) -> TaskResult:
    """Returns the result of a task that is enqueued and has not started."""
    return TaskResult(
        task=task,
        id=job_id,
        status=TaskResultStatus.READY,
        backend=alias,
        enqueued_at=since,
        started_at=None,
        finished_at=None,
        last_attempted_at=None,
        args=sent["args"],
        kwargs=sent["kwargs"],
        errors=[],
        worker_ids=[],
    )


def _errors(run: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]]) -> list[TaskError]:
    """Returns an error for each failed attempt, or the task's own if it never ran, as after a cancellation."""
    failures = [attempt["error"] for attempt in attempts if attempt["error"]]
    if run["error"] and not failures:
        failures = [run["error"]]
    traces = iter([line["line"] for line in run["logs"] if line["line"].startswith(TRACE)])
    return [_error(failure, traces) for failure in failures]


def _error(failure: Mapping[str, Any], traces: Any) -> TaskError:
    if failure["code"] != FAILED_CODE:
        return TaskError(exception_class_path=JOB_FAILED, traceback=failure["message"])
    raised = _CLASS.match(failure["message"])
    return TaskError(
        exception_class_path=raised.group() if raised else JOB_FAILED, traceback=next(traces, failure["message"])
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
