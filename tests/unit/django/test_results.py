"""Tests the results that Django sees, made from what the gateway says of a job."""

from typing import Any

import pytest

from bureau.client import JobFailed
from bureau.django.results import result_of

AT = "2026-11-30T12:00:0{}+00:00"


def attempt(number: int, error: dict[str, Any] | None = None, started: bool = True) -> dict[str, Any]:
    return {"started_at": AT.format(number) if started else None, "error": error, "worker": f"w{number}"}


def job(state: str, attempts: list[dict[str, Any]], **told: Any) -> dict[str, Any]:
    task: dict[str, Any] = {
        "state": state,
        "attempts": attempts,
        "started_at": None,
        "finished_at": None,
        "error": None,
        "logs": [],
    }
    task |= {"input": {"args": [1], "kwargs": {"a": 2}}, "result": None, **told}
    return {"id": "7", "created_at": AT.format(0), "tasks": [task]}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("queued", "READY"),
        ("scheduled", "READY"),
        ("waiting", "READY"),
        ("retrying", "READY"),
        ("running", "RUNNING"),
        ("succeeded", "SUCCESSFUL"),
        ("failed", "FAILED"),
        ("cancelled", "FAILED"),
        ("skipped", "FAILED"),
    ],
)
def test_each_state_has_its_status(state: str, status: str) -> None:
    assert result_of(job(state, []), None, "default").status == status


def test_times_and_workers_come_from_the_attempts() -> None:
    result = result_of(
        job("succeeded", [attempt(1), attempt(2)], result="x", finished_at=AT.format(3)), None, "default"
    )
    moments = (result.enqueued_at, result.started_at, result.last_attempted_at, result.finished_at)
    assert [moment.second for moment in moments] == [0, 1, 2, 3]
    assert (result.worker_ids, result.attempts, result.return_value) == (["w1", "w2"], 2, "x")
    assert (result.args, result.kwargs) == ([1], {"a": 2})


def test_an_exception_has_its_class_and_its_traceback() -> None:
    failure = {"code": "django_task_failed", "message": "builtins.LookupError: no: page"}
    logs = [{"line": "counting"}, {"line": "Traceback (most recent call last): …"}]
    (error,) = result_of(job("failed", [attempt(1, failure)], error=failure, logs=logs), None, "default").errors
    assert error.exception_class is LookupError
    assert error.traceback == "Traceback (most recent call last): …"


@pytest.mark.parametrize("code", ["lease_lost", "cancelled"])
def test_a_job_that_failed_without_an_exception_is_a_failed_result(code: str) -> None:
    failure = {"code": code, "message": "The worker died."}
    (error,) = result_of(job("failed", [], error=failure), None, "default").errors
    assert (error.exception_class, error.traceback) == (JobFailed, "The worker died.")
