"""The ends of a claim other than success, gathered in the locked job: for `finish`, and for what the scheduler ends."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import attempts, tasks
from bureau.ledger.files import artifacts
from bureau.ledger.jobs.dependents import release_dependents
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.locked_job import LockedJob
from bureau.ledger.jobs.outcome import Cancelled, Failed, Released, RetryLater
from bureau.ledger.jobs.policy import error_of


def end_claim(
    job: LockedJob, task: Row[Any], ending: Failed | Cancelled | RetryLater | Released, lines: Sequence[TaskEvent] = ()
) -> bool:
    """Gathers an ending in the job, without `job.write()`; True when a task became ready.

    `task` is its locked row. What the scheduler ends goes through here as well.
    """
    job.say(lines)
    match ending:
        case Failed(error, made):
            artifacts.insert_artifacts(job.connection, made)
            return _close(job, task, TaskState.FAILED, "failed", error)
        case Cancelled():
            error = error_of("cancelled", "The job was cancelled.", retryable=False)
            return _close(job, task, TaskState.CANCELLED, "cancelled", error)
        case RetryLater():
            _put_off(job, task, ending)
        case Released():
            _record(job, task, "handed_back", None)
            _make_ready(job, task, 0.0)
    return True


def _close(job: LockedJob, task: Row[Any], state: TaskState, outcome: str, error: dict[str, Any]) -> bool:
    _record(job, task, outcome, error)
    job.connection.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state=state, error=error, finished_at=now(), lease_until=None, due_at=None)
    )
    return ended(job, task, state, {"error": error})


def ended(job: LockedJob, task: Row[Any], state: TaskState, data: dict[str, Any]) -> bool:
    job.say([TaskEvent(f"task.{state}", task.name, data)])
    if job.alone:
        job.ended(1, state)
        return False
    released = release_dependents(job.connection, [(task.id, state)])
    job.ended(1 + released.skipped)
    return released.ready > 0


def _put_off(job: LockedJob, task: Row[Any], ending: RetryLater) -> None:
    _record(job, task, "retry" if ending.counted else "postponed", ending.error)
    counters: dict[str, Any] = (
        {"failures": tasks.c.failures + 1, "postponed_since": None}
        if ending.counted
        else {"postponed_since": task.postponed_since or now()}
    )
    _make_ready(job, task, ending.delay, error=ending.error, **counters)
    _say_retrying(job, task, ending.error, ending.delay, counted=ending.counted)


def make_ready_after_crash(job: LockedJob, task: Row[Any], delay: float) -> None:
    """The lease ended without a word: ready again, from the budget of crashes."""
    error = error_of("worker_lost", "The worker went away while it ran this.", retryable=True)
    _record(job, task, "crashed", error)
    _make_ready(job, task, delay, error=error, crashes=tasks.c.crashes + 1)
    _say_retrying(job, task, error, delay, counted=False)


def _say_retrying(job: LockedJob, task: Row[Any], error: dict[str, Any], delay: float, *, counted: bool) -> None:
    data = {"error": error, "delay_seconds": round(delay, 3), "counted": counted}
    job.say([TaskEvent("task.retrying", task.name, data)])


def _make_ready(job: LockedJob, task: Row[Any], delay: float, **values: Any) -> None:
    job.connection.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(
            state=TaskState.READY, due_at=later(delay), hinted_at=None, hints=0, worker=None, lease_until=None, **values
        )
    )


def _record(job: LockedJob, task: Row[Any], outcome: str, error: dict[str, Any] | None) -> None:
    job.connection.execute(
        insert(attempts).values(
            task_id=task.id,
            claim_no=task.claim_no,
            outcome=outcome,
            worker=task.worker,
            started_at=task.claimed_at,
            ended_at=now(),
            error=error,
        )
    )
