"""Finish: the end of claims and everything it causes, in one transaction under their jobs' row locks.

The jobs are locked in a statement of their own: in one statement with the task's update, two last branches of a join
each see the other unfinished and the join is lost for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Uuid, bindparam, func, select, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.metadata import Json
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import tasks
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import Removal, StoredArtifact
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.close_claim import end_claim, ended
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.locked_job import LockedJob, lock_jobs, write_jobs
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Succeeded
from bureau.ledger.jobs.submit import add_tasks


class FinishResult(StrEnum):
    """What became of a finish."""

    DONE = "done"
    ALREADY = "already"  # it had been committed before; only the answer was lost
    DISCARDED = "discarded"  # the claim is no longer mine: nothing was written


@dataclass(frozen=True)
class Finished:
    """`woke`: something became ready, so hints are to be published."""

    fate: FinishResult
    woke: bool = False


@dataclass(frozen=True)
class ClaimOutcome:
    """A claim, and how it ended; `lines` are log events not yet written."""

    claim: Claim
    ending: Outcome
    lines: Sequence[TaskEvent] = ()


def finish(db: Database, claim: Claim, ending: Outcome, lines: Sequence[TaskEvent] = ()) -> Finished:
    """Ends a claim; `lines` are log events not yet written. Raises `LedgerUnavailable`: then ask again."""
    (finished,) = _finish(db, [ClaimOutcome(claim, ending, lines)])
    return finished or Finished(FinishResult.DISCARDED)  # its job was deleted


def finish_batch(db: Database, ends: Sequence[ClaimOutcome]) -> list[Finished | None]:
    """Ends claims in one transaction, all or none. None: somebody had its job or task locked; `finish` waits."""
    return _finish(db, ends, skip_locked=True)


def _finish(db: Database, ends: Sequence[ClaimOutcome], *, skip_locked: bool = False) -> list[Finished | None]:
    with db.transaction() as connection:
        locked = lock_jobs(connection, [end.claim.job_id for end in ends], skip_locked=skip_locked)
        mine = [end.claim.task_id for end in ends if end.claim.job_id in locked]
        rows = _lock_tasks(connection, mine, skip_locked=skip_locked)
        successes = _Successes()
        finished = [_end(locked.get(end.claim.job_id), rows.get(end.claim.task_id), end, successes) for end in ends]
        successes.write(connection)
        changed = {
            end.claim.job_id for end, one in zip(ends, finished, strict=True) if one and one.fate is FinishResult.DONE
        }
        write_jobs(connection, [locked[job_id] for job_id in sorted(changed)])
    for job in locked.values():
        db.tell(job.end)
    return finished


_NEEDED: Sequence[ColumnElement[Any]] = (
    tasks.c.id,
    tasks.c.name,
    tasks.c.state,
    tasks.c.claim_no,
    tasks.c.worker,
    tasks.c.claimed_at,
    tasks.c.stop_requested_at,
    tasks.c.postponed_since,
)


_TASKS = select(*_NEEDED).where(tasks.c.id.in_(bindparam("task_ids", expanding=True))).order_by(tasks.c.id)
_LOCK, _LOCK_FREE = _TASKS.with_for_update(), _TASKS.with_for_update(skip_locked=True)


def _lock_tasks(connection: Connection, task_ids: Sequence[UUID], *, skip_locked: bool) -> dict[UUID, Row[Any]]:
    rows = connection.execute(_LOCK_FREE if skip_locked else _LOCK, {"task_ids": task_ids}).all()
    return {row.id: row for row in rows}


def _end(job: LockedJob | None, task: Row[Any] | None, end: ClaimOutcome, successes: "_Successes") -> Finished | None:
    if job is None or task is None:
        return None
    if task.claim_no != end.claim.claim_no or task.state != TaskState.RUNNING:
        return Finished(_read_back(task, end))
    match _as_things_stand(job, task, end.ending):
        case Succeeded() as ending:
            woke = successes.add(job, task, ending, end.lines)
        case ending:
            woke = end_claim(job, task, ending, end.lines)
    return Finished(FinishResult.DONE, woke)


def _as_things_stand(job: LockedJob, task: Row[Any], ending: Outcome) -> Outcome:
    """A task that was asked to stop never becomes ready again, and adds nothing to a job that was cancelled."""
    match ending:
        case Succeeded(added=added):
            return Cancelled() if added and job.row.cancel_requested_at is not None else ending
        case Failed():
            return ending
        case _:
            return Cancelled() if task.stop_requested_at is not None else ending


def _read_back(task: Row[Any], end: ClaimOutcome) -> FinishResult:
    """Whether the claim's end is in the ledger already."""
    intended = TaskState.SUCCEEDED if isinstance(end.ending, Succeeded) else TaskState.FAILED
    mine = task.claim_no == end.claim.claim_no and task.state == intended
    return FinishResult.ALREADY if mine else FinishResult.DISCARDED


_SUCCEEDED = JsonRows(task=Uuid(), outcome=Json, last=Json)
_SUCCEED = (
    update(tasks)
    .where(tasks.c.id == _SUCCEEDED["task"])
    .values(
        state=TaskState.SUCCEEDED,
        finished_at=now(),
        lease_until=None,
        due_at=None,
        error=None,
        result=_SUCCEEDED["outcome"],
        progress=func.coalesce(_SUCCEEDED["last"], tasks.c.progress),
    )
)


@dataclass
class _Successes:
    """The common end, of several claims, in few statements."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    made: list[StoredArtifact] = field(default_factory=list)
    removed: list[Removal] = field(default_factory=list)

    def add(self, job: LockedJob, task: Row[Any], ending: Succeeded, lines: Sequence[TaskEvent]) -> bool:
        """Whether a task becomes ready by it."""
        self.rows.append({"task": task.id, "outcome": ending.result, "last": ending.progress or None})
        self.made += ending.made
        self.removed.append(Removal(job.id, job.owner, ending.removed))
        job.say(lines)
        add_tasks(job, ending.added)
        return ended(job, task, TaskState.SUCCEEDED, {}) or bool(ending.added)

    def write(self, connection: Connection) -> None:
        _SUCCEEDED.execute(connection, _SUCCEED, self.rows)
        artifacts.insert_artifacts(connection, self.made)
        artifacts.mark_removed(connection, self.removed)
