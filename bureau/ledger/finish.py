"""Finish: the end of a claim and everything it causes, in one transaction under the job's row lock.

The job is locked in a statement of its own: in one statement with the task's update, two last branches of a join
each see the other unfinished and the join is lost for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from bureau.contracts.states import TaskState
from bureau.ledger import artifacts
from bureau.ledger.claim import Claim
from bureau.ledger.clock import later, now
from bureau.ledger.database import Database
from bureau.ledger.ending import AgainLater, Cancelled, Ending, Failed, HandedBack, Succeeded
from bureau.ledger.events import Event, append
from bureau.ledger.graph import end_job_if_done, release_dependents
from bureau.ledger.tables import attempts, jobs, tasks


class Fate(StrEnum):
    """What became of a finish."""

    DONE = "done"
    ALREADY = "already"  # it had been committed before; only the answer was lost
    DISCARDED = "discarded"  # the claim is no longer mine: nothing was written


@dataclass(frozen=True)
class Finished:
    """`woke`: something became ready, so hints are to be published."""

    fate: Fate
    woke: bool = False


def finish(db: Database, claim: Claim, ending: Ending, lines: Sequence[Event] = ()) -> Finished:
    """Ends a claim; `lines` are log events not yet written. Raises `LedgerUnavailable`: then ask again."""
    with db.transaction() as connection:
        job = lock_job(connection, claim.job_id)
        task = _mine(connection, claim) if job is not None else None
        if job is None or task is None:
            return Finished(_read_back(connection, claim, ending))
        if task.stop_requested_at is not None and not isinstance(ending, Succeeded | Failed):
            ending = Cancelled()  # a task that was asked to stop never becomes ready again
        woke = end_claim(connection, job, task, ending, lines)
    return Finished(Fate.DONE, woke)


def lock_job(connection: Connection, job_id: UUID) -> Row[Any] | None:
    """The job's row, locked until the transaction ends."""
    return connection.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).one_or_none()


def _mine(connection: Connection, claim: Claim) -> Row[Any] | None:
    return connection.execute(
        select(tasks)
        .where(tasks.c.id == claim.task_id, tasks.c.claim_no == claim.claim_no, tasks.c.state == TaskState.RUNNING)
        .with_for_update()
    ).one_or_none()


def _read_back(connection: Connection, claim: Claim, ending: Ending) -> Fate:
    """Whether the claim's end is in the ledger already."""
    row = connection.execute(select(tasks.c.state, tasks.c.claim_no).where(tasks.c.id == claim.task_id)).one_or_none()
    intended = TaskState.SUCCEEDED if isinstance(ending, Succeeded) else TaskState.FAILED
    mine = row is not None and row.claim_no == claim.claim_no and row.state == intended
    return Fate.ALREADY if mine else Fate.DISCARDED


def end_claim(connection: Connection, job: Row[Any], task: Row[Any], ending: Ending, lines: Sequence[Event]) -> bool:
    """Writes an ending under the job's lock; True when a task became ready. Also what the scheduler ends goes here."""
    match ending:
        case Succeeded():
            return _succeed(connection, job, task, ending, lines)
        case Failed(error):
            _record(connection, task, "failed", error)
            return _close(connection, job, task, TaskState.FAILED, lines, error=error)
        case Cancelled():
            error = {"code": "cancelled", "message": "The job was cancelled.", "retryable": False}
            _record(connection, task, "cancelled", error)
            return _close(connection, job, task, TaskState.CANCELLED, lines, error=error)
        case AgainLater():
            _put_off(connection, job, task, ending, lines)
            return True
        case HandedBack():
            _record(connection, task, "handed_back", None)
            _make_ready(connection, task.id, 0.0)
            append(connection, job.id, lines)
            return True


def _succeed(connection: Connection, job: Row[Any], task: Row[Any], ending: Succeeded, lines: Sequence[Event]) -> bool:
    artifacts.insert_artifacts(connection, ending.made)
    artifacts.mark_removed(connection, job.id, job.owner, ending.removed)
    progress = ending.progress or task.progress
    return _close(connection, job, task, TaskState.SUCCEEDED, lines, result=ending.result, progress=progress)


def _close(
    connection: Connection,
    job: Row[Any],
    task: Row[Any],
    state: TaskState,
    lines: Sequence[Event],
    **values: Any,
) -> bool:
    error = values.setdefault("error", None)
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state=state, finished_at=now(), lease_until=None, due_at=None, **values)
    )
    data = {"error": error} if error else {}
    append(connection, job.id, [*lines, Event(f"task.{state}", task.name, data)])
    released = release_dependents(connection, [(task.id, state)])
    end_job_if_done(connection, job.id, ended=1 + released.skipped)
    return released.ready > 0


def _put_off(connection: Connection, job: Row[Any], task: Row[Any], ending: AgainLater, lines: Sequence[Event]) -> None:
    _record(connection, task, "retry" if ending.counted else "postponed", ending.error)
    counters: dict[str, Any] = (
        {"failures": tasks.c.failures + 1, "postponed_since": None}
        if ending.counted
        else {"postponed_since": task.postponed_since or now()}
    )
    _make_ready(connection, task.id, ending.delay, error=ending.error, **counters)
    data = {"error": ending.error, "delay_seconds": round(ending.delay, 3), "counted": ending.counted}
    append(connection, job.id, [*lines, Event("task.retrying", task.name, data)])


def make_ready_after_crash(connection: Connection, job: Row[Any], task: Row[Any], delay: float) -> None:
    """The lease ended without a word: ready again, from the budget of crashes."""
    error = {"code": "worker_lost", "message": "The worker went away while it ran this.", "retryable": True}
    _record(connection, task, "crashed", error)
    _make_ready(connection, task.id, delay, error=error, crashes=tasks.c.crashes + 1)
    data = {"error": error, "delay_seconds": round(delay, 3), "counted": False}
    append(connection, job.id, [Event("task.retrying", task.name, data)])


def _make_ready(connection: Connection, task_id: UUID, delay: float, **values: Any) -> None:
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task_id)
        .values(
            state=TaskState.READY,
            due_at=later(delay),
            hinted_at=None,
            hints=0,
            worker=None,
            lease_until=None,
            **values,
        )
    )


def _record(connection: Connection, task: Row[Any], outcome: str, error: dict[str, Any] | None) -> None:
    connection.execute(
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
