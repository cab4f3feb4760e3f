"""Handles leases: the worker that holds one renews it, and the scheduler expires it when the worker fell silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import tasks
from bureau.ledger.jobs.claim import LEASE_SECONDS
from bureau.ledger.jobs.finish import Closing
from bureau.ledger.jobs.locked_job import lock_job
from bureau.ledger.jobs.outcome import Cancelled, Failed
from bureau.ledger.jobs.retry_policy import CRASH_BUDGET, CRASH_POLICY, Jitter, backoff, error_of

Held = tuple[UUID, int]  # a task's id and the claim_no of the claim that holds it


class LeaseStatus(StrEnum):
    """Says how a claim stands in the ledger."""

    HELD = "held"
    STOP = "stop"  # the task was asked to stop
    LOST = "lost"  # the task no longer belongs to this claim


def renew(db: Database, held: Sequence[Held], *, lease_seconds: float = LEASE_SECONDS) -> set[Held]:
    """Renews leases and returns the renewed ones. Skips rows locked by others (a finish, a cancel): ask again."""
    if not held:
        return set()
    wanted = dict(held)
    ids = sorted(wanted)
    with db.transaction() as connection:
        there = connection.execute(
            select(tasks.c.id, tasks.c.claim_no)
            .where(tasks.c.id.in_(ids), tasks.c.state == TaskState.RUNNING)
            .with_for_update(skip_locked=True)
        )
        mine = [row.id for row in there if wanted[row.id] == row.claim_no]
        if mine:
            connection.execute(update(tasks).where(tasks.c.id.in_(mine)).values(lease_until=later(lease_seconds)))
    return {(task_id, wanted[task_id]) for task_id in mine}


def statuses(db: Database, held: Sequence[Held]) -> dict[Held, LeaseStatus]:
    """Returns how each claim stands in the ledger."""
    if not held:
        return {}
    with db.read() as connection:
        rows = {
            row.id: row
            for row in connection.execute(
                select(tasks.c.id, tasks.c.claim_no, tasks.c.state, tasks.c.stop_requested_at).where(
                    tasks.c.id.in_([task_id for task_id, _ in held])
                )
            )
        }
    found: dict[Held, LeaseStatus] = {}
    for task_id, claim_no in held:
        row = rows.get(task_id)
        if row is None or row.claim_no != claim_no or row.state != TaskState.RUNNING:
            found[task_id, claim_no] = LeaseStatus.LOST
        else:
            found[task_id, claim_no] = LeaseStatus.STOP if row.stop_requested_at else LeaseStatus.HELD
    return found


@dataclass(frozen=True)
class Expired:
    """Says how many leases ended, and whether a task became ready because of it."""

    tasks: int = 0
    woke: bool = False


def expire(db: Database, jitter: Jitter, *, limit: int = 100) -> Expired:
    """Takes tasks back from workers that fell silent, one transaction a task, so that none waits for another."""
    with db.read() as connection:
        candidates = connection.execute(
            select(tasks.c.id, tasks.c.job_id, tasks.c.claim_no)
            .where(tasks.c.state == TaskState.RUNNING, tasks.c.lease_until < now())
            .order_by(tasks.c.lease_until)
            .limit(limit)
        ).all()
    return _each(db, [(c.id, c.job_id, c.claim_no) for c in candidates], jitter, only_expired=True)


def take_back_all(db: Database, jitter: Jitter) -> Expired:
    """Takes back all running tasks at an embedded start, without waiting for leases.

    The lock file says that the process that ran them is dead.
    """
    with db.read() as connection:
        running = connection.execute(
            select(tasks.c.id, tasks.c.job_id, tasks.c.claim_no).where(tasks.c.state == TaskState.RUNNING)
        ).all()
    return _each(db, [(r.id, r.job_id, r.claim_no) for r in running], jitter, only_expired=False)


def lose(db: Database, held: Held, jitter: Jitter) -> None:
    """Gives up one claim whose end cannot be written; as if its lease had ended, it counts as a crash."""
    task_id, claim_no = held
    with db.read() as connection:
        job_id = connection.execute(select(tasks.c.job_id).where(tasks.c.id == task_id)).scalar()
    if job_id is not None:
        _take_back(db, task_id, job_id, claim_no, jitter, only_expired=False)


def _each(db: Database, candidates: Sequence[tuple[UUID, UUID, int]], jitter: Jitter, *, only_expired: bool) -> Expired:
    taken = [_take_back(db, *candidate, jitter, only_expired) for candidate in candidates]
    return Expired(sum(result is not None for result in taken), any(taken))


def _take_back(
    db: Database, task_id: UUID, job_id: UUID, claim_no: int, jitter: Jitter, only_expired: bool
) -> bool | None:
    """Returns whether a task became ready; None if the worker came back or another scheduler was first."""
    with db.transaction() as connection:
        job = lock_job(connection, job_id)
        still = [tasks.c.id == task_id, tasks.c.state == TaskState.RUNNING, tasks.c.claim_no == claim_no]
        if only_expired:
            still.append(tasks.c.lease_until < now())
        task = connection.execute(select(tasks).where(*still).with_for_update()).one_or_none()
        if job is None or task is None:
            return None
        closing = Closing(connection)
        if ending := _end_of_crashed(task.crashes + 1, stop_requested=task.stop_requested_at is not None):
            closing.close(job, task, ending)
        else:
            closing.crash(job, task, backoff(task.crashes, CRASH_POLICY, jitter))
        closing.write()
        job.write()
    db.notify_ended(job.end)
    return bool(closing.woken)


def _end_of_crashed(crashes: int, *, stop_requested: bool) -> Cancelled | Failed | None:
    """Returns how a task ends whose worker was lost for the `crashes`th time, or None if it is tried again."""
    if stop_requested:
        return Cancelled()
    if crashes >= CRASH_BUDGET:
        message = f"The worker disappeared {crashes} times while it ran this task. It can be retried."
        return Failed(error_of("worker_crashed", message, retryable=True))
    return None
