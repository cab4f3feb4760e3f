"""Finish: the end of a claim and everything it causes, in one transaction under the job's row lock.

The job is locked in a statement of its own: in one statement with the task's update, two last branches of a join
each see the other unfinished and the join is lost for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from bureau.contracts.states import TaskState
from bureau.ledger import artifacts
from bureau.ledger.claim import Claim
from bureau.ledger.clock import later, now
from bureau.ledger.database import Database
from bureau.ledger.decide import error_of
from bureau.ledger.ending import AgainLater, Cancelled, Ending, Failed, HandedBack, Succeeded
from bureau.ledger.events import Event
from bureau.ledger.graph import release_dependents
from bureau.ledger.locked import LockedJob, lock_job
from bureau.ledger.submit import add_tasks
from bureau.ledger.tables import attempts, tasks


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
        woke = _finish(job, claim, ending, lines) if job is not None else None
        if job is None or woke is None:
            return Finished(_read_back(connection, claim, ending))
        job.write()
    db.tell(job.end)
    return Finished(Fate.DONE, woke)


def _finish(job: LockedJob, claim: Claim, ending: Ending, lines: Sequence[Event]) -> bool | None:
    """Whether a task became ready; None when the claim is no longer its own."""
    mine = [tasks.c.id == claim.task_id, tasks.c.claim_no == claim.claim_no, tasks.c.state == TaskState.RUNNING]
    if isinstance(ending, Succeeded) and ending.added and job.row.cancel_requested_at is not None:
        ending = Cancelled()  # what it would add belongs to a job that was cancelled
    if isinstance(ending, Succeeded):
        return _succeed(job, ending, lines, mine)
    task = job.connection.execute(select(tasks).where(*mine).with_for_update()).one_or_none()
    if task is None:
        return None
    if task.stop_requested_at is not None and not isinstance(ending, Failed):
        ending = Cancelled()  # a task that was asked to stop never becomes ready again
    return end_claim(job, task, ending, lines)


def _read_back(connection: Connection, claim: Claim, ending: Ending) -> Fate:
    """Whether the claim's end is in the ledger already."""
    row = connection.execute(select(tasks.c.state, tasks.c.claim_no).where(tasks.c.id == claim.task_id)).one_or_none()
    intended = TaskState.SUCCEEDED if isinstance(ending, Succeeded) else TaskState.FAILED
    mine = row is not None and row.claim_no == claim.claim_no and row.state == intended
    return Fate.ALREADY if mine else Fate.DISCARDED


def end_claim(
    job: LockedJob, task: Row[Any], ending: Failed | Cancelled | AgainLater | HandedBack, lines: Sequence[Event] = ()
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
        case AgainLater():
            _put_off(job, task, ending)
        case HandedBack():
            _record(job, task, "handed_back", None)
            _make_ready(job, task, 0.0)
    return True


def _succeed(
    job: LockedJob, ending: Succeeded, lines: Sequence[Event], mine: Sequence[ColumnElement[bool]]
) -> bool | None:
    """The common end in few statements: the row is changed where the claim is still its own."""
    values: dict[str, Any] = {"result": ending.result, "error": None}
    if ending.progress:
        values["progress"] = ending.progress
    task = job.connection.execute(
        update(tasks)
        .where(*mine)
        .values(state=TaskState.SUCCEEDED, finished_at=now(), lease_until=None, due_at=None, **values)
        .returning(tasks.c.id, tasks.c.name)
    ).one_or_none()
    if task is None:
        return None
    artifacts.insert_artifacts(job.connection, ending.made)
    artifacts.mark_removed(job.connection, job.id, job.owner, ending.removed)
    job.say(lines)
    add_tasks(job, ending.added)
    return _ended(job, task, TaskState.SUCCEEDED, {}) or bool(ending.added)


def _close(job: LockedJob, task: Row[Any], state: TaskState, outcome: str, error: dict[str, Any]) -> bool:
    _record(job, task, outcome, error)
    job.connection.execute(
        update(tasks)
        .where(tasks.c.id == task.id)
        .values(state=state, error=error, finished_at=now(), lease_until=None, due_at=None)
    )
    return _ended(job, task, state, {"error": error})


def _ended(job: LockedJob, task: Row[Any], state: TaskState, data: dict[str, Any]) -> bool:
    job.say([Event(f"task.{state}", task.name, data)])
    if job.alone:
        job.ended(1)
        return False
    released = release_dependents(job.connection, [(task.id, state)])
    job.ended(1 + released.skipped)
    return released.ready > 0


def _put_off(job: LockedJob, task: Row[Any], ending: AgainLater) -> None:
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
    job.say([Event("task.retrying", task.name, data)])


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
