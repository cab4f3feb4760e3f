"""Pauses, resumes and purges queues. A queue without a row in `paused_queues` is not paused."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, exists, insert, select, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import paused_queues, tasks
from bureau.ledger.jobs.dependents import release_dependents
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.locked_job import LockedJob, lock_job
from bureau.ledger.jobs.retry_policy import error_of


def pause(db: Database, queue: str, noted: Act | None = None) -> None:
    """Pauses a queue: no task starts, running tasks go on. `noted` is written to the audit log."""
    with db.transaction() as connection:
        db.lock_queue(connection, f"pause.{queue}")
        if not is_paused(connection, queue):
            connection.execute(insert(paused_queues).values(queue=queue, paused_at=now()))
        if noted:
            audit.note(connection, noted)


def resume(db: Database, queue: str, noted: Act | None = None) -> None:
    """Resumes a queue. Hints that came while it was paused claimed nothing, so they are published again.

    `noted` is written to the audit log.
    """
    with db.transaction() as connection:
        if noted:
            audit.note(connection, noted)
        connection.execute(delete(paused_queues).where(paused_queues.c.queue == queue))
        held = select(tasks.c.id).where(
            tasks.c.queue == queue, tasks.c.state == TaskState.READY, tasks.c.hinted_at.is_not(None)
        )
        ids = connection.execute(held.order_by(tasks.c.id).with_for_update(skip_locked=True)).scalars().all()
        connection.execute(update(tasks).where(tasks.c.id.in_(ids)).values(hinted_at=None))


def is_paused(connection: Connection, queue: str) -> bool:
    return bool(connection.execute(select(exists().where(paused_queues.c.queue == queue))).scalar_one())


def paused_names(connection: Connection) -> set[str]:
    return set(connection.execute(select(paused_queues.c.queue)).scalars())


def paused(db: Database) -> dict[str, datetime]:
    """Returns the paused queues, and since when they are paused."""
    with db.read() as connection:
        return {row.queue: row.paused_at for row in connection.execute(select(paused_queues))}


Purgeable = dict[UUID, list[UUID]]
"""The tasks that a purge cancels, by job."""


def purgeable(db: Database, queue: str) -> Purgeable:
    """Returns the tasks of the queue that have not started, due ones and later ones."""
    with db.read() as connection:
        rows = connection.execute(
            select(tasks.c.job_id, tasks.c.id).where(tasks.c.queue == queue, tasks.c.state == TaskState.READY)
        )
        found: Purgeable = {}
        for job_id, task_id in rows:
            found.setdefault(job_id, []).append(task_id)
    return found


def purge(db: Database, queue: str, found: Purgeable) -> int:
    """Cancels these tasks as far as they have not started meanwhile, a transaction a job. Returns how many.

    It cancels no others, so that it never cancels more than was counted.
    """
    return sum(_purge_job(db, queue, job_id, task_ids) for job_id, task_ids in sorted(found.items()))


def _purge_job(db: Database, queue: str, job_id: UUID, task_ids: Sequence[UUID]) -> int:
    with db.transaction() as connection:
        job = lock_job(connection, job_id)
        if job is None:
            return 0
        cancelled = _cancel_ready(job, queue, task_ids)
    db.notify_ended(job.end)
    return cancelled


def _cancel_ready(job: LockedJob, queue: str, task_ids: Sequence[UUID]) -> int:
    error = error_of("purged", f"The queue {queue} was purged before this started.", retryable=True)
    ready = [tasks.c.job_id == job.id, tasks.c.id.in_(task_ids), tasks.c.state == TaskState.READY]
    job.connection.execute(select(tasks.c.id).where(*ready).order_by(tasks.c.id).with_for_update())
    ended = job.connection.execute(
        update(tasks)
        .where(*ready)
        .values(state=TaskState.CANCELLED, error=error, finished_at=now(), due_at=None)
        .returning(tasks.c.id, tasks.c.name)
    ).all()
    if not ended:
        return 0
    job.add_events([TaskEvent("task.cancelled", task.name, {"error": error}) for task in ended])
    released = release_dependents(job.connection, [(task.id, TaskState.CANCELLED) for task in ended])
    job.ended(len(ended) + released.skipped[job.id])
    job.write()
    return len(ended)
