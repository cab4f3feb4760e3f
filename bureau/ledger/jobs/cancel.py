"""Stops jobs from outside: a person cancels them, or they expire. Both run one statement with another filter."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import case, exists, literal, select, update

from bureau.contracts.jobs.states import JobState, TaskState
from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import Json, jobs, tasks
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.locked_job import LockedJob, lock_job

_IDLE = (TaskState.WAITING, TaskState.READY)
CANCELLED = {"code": "cancelled", "message": "The job was cancelled.", "retryable": False}
EXPIRED = {"code": "expired", "message": "The job had not started by its expires_at.", "retryable": False}


class Cancelling(StrEnum):
    """Says what a cancel found."""

    CANCELLED = "cancelled"
    ALREADY = "already"  # a cancel was requested before
    ENDED = "ended"  # the job had already ended in another way


def cancel(db: Database, job_id: UUID, owner: str, noted: Act | None = None) -> Cancelling | None:
    """Cancels waiting and ready tasks and asks running ones to stop. Returns None if the owner has no such job.

    `noted` is written to the audit log if the cancel took effect.
    """
    with db.transaction() as connection:
        job = lock_job(connection, job_id)
        if job is None or job.owner != owner:
            return None
        if job.row.cancel_requested_at is not None:
            return Cancelling.ALREADY
        if job.row.state != JobState.OPEN:
            return Cancelling.ENDED
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(cancel_requested_at=now()))
        job.lock_tasks()
        _stop(job, CANCELLED)
        if noted:
            audit.note(connection, noted)
    db.notify_ended(job.end)
    return Cancelling.CANCELLED


def expire_jobs(db: Database, *, limit: int = 100) -> int:
    """Cancels jobs that had not started by their `expires_at`. Returns how many."""
    never_started = ~exists().where(tasks.c.job_id == jobs.c.id, tasks.c.claim_no > 0)
    expired = [jobs.c.state == JobState.OPEN, jobs.c.expires_at < now(), never_started]
    with db.read() as connection:
        candidates = connection.execute(select(jobs.c.id).where(*expired).limit(limit)).scalars().all()
    return sum(_expire(db, job_id) for job_id in candidates)


def _expire(db: Database, job_id: UUID) -> bool:
    started = exists().where(tasks.c.job_id == job_id, tasks.c.claim_no > 0)
    with db.transaction() as connection:
        job = lock_job(connection, job_id)
        if job is None or job.row.state != JobState.OPEN:
            return False
        job.lock_tasks()  # so a concurrent claim is either seen here or sees its task cancelled
        if connection.execute(select(started)).scalar_one():
            return False
        _stop(job, EXPIRED)
    db.notify_ended(job.end)
    return True


def _stop(job: LockedJob, error: dict[str, Any]) -> None:
    """Stops all tasks in one statement, under all their locks: two statements could both miss a task between them."""
    idle = tasks.c.state.in_(_IDLE)
    stopped = job.connection.execute(
        update(tasks)
        .where(tasks.c.job_id == job.id, tasks.c.state.in_((*_IDLE, TaskState.RUNNING)))
        .values(
            state=case((idle, TaskState.CANCELLED.value), else_=tasks.c.state),
            finished_at=case((idle, now()), else_=None),
            error=case((idle, literal(error, Json)), else_=tasks.c.error),
            due_at=case((idle, None), else_=tasks.c.due_at),
            stop_requested_at=now(),
        )
        .returning(tasks.c.name, tasks.c.state)
    ).all()
    ended = [row.name for row in stopped if row.state == TaskState.CANCELLED]
    job.add_events([TaskEvent("task.cancelled", name, {"error": error}) for name in ended])
    job.ended(len(ended))
    job.write()
