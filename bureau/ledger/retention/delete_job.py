"""Deleting a job that has ended: by request, or because it is old. Its events go first, in small batches."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, delete, select, tuple_

from bureau.contracts.jobs.states import JobState
from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import events, jobs
from bureau.ledger.jobs.locked_job import LockedJob, lock_job
from bureau.ledger.retention.file_expiry import let_go
from bureau.ledger.retention.policy import RetentionPolicy

EVENTS = 1000  # a transaction


class Erasing(StrEnum):
    """What a deletion found."""

    ERASED = "erased"
    NOT_ENDED = "not_ended"
    TOO_YOUNG = "too_young"  # it was retried, and has ended anew


def erase(db: Database, job_id: UUID, owner: str, noted: Act | None = None) -> Erasing | None:
    """The owner's job, with its tasks, attempts, deliveries, events and files. None: there is no such job.

    Its files are given out no more from now on; the scheduler deletes them. Killed in the middle it has lost events,
    and the same request goes on.
    """
    return _erase(db, job_id, owner=owner, noted=noted)


def erase_old(db: Database, job_id: UUID, keep: RetentionPolicy) -> Erasing | None:
    """The job, if it has been kept long enough."""
    return _erase(db, job_id, keep=keep)


def _erase(
    db: Database,
    job_id: UUID,
    *,
    owner: str | None = None,
    keep: RetentionPolicy | None = None,
    noted: Act | None = None,
) -> Erasing | None:
    while True:
        with db.transaction() as connection:
            job = lock_job(connection, job_id)
            if job is None or owner not in (None, job.owner):
                return None
            if job.row.state == JobState.OPEN:
                return Erasing.NOT_ENDED
            if keep is not None and not _is_old(connection, job, keep):
                return Erasing.TOO_YOUNG
            if forget_events(connection, job_id) == EVENTS:
                continue  # the next batch in a transaction of its own, so that nobody waits long for a lock
            let_go(job)
            connection.execute(delete(jobs).where(jobs.c.id == job_id))
            if noted:
                audit.note(connection, noted)
        return Erasing.ERASED


def forget_events(connection: Connection, job_id: UUID) -> int:
    """A batch of the job's events, the oldest; how many."""
    key = (events.c.job_id, events.c.seq)
    some = select(*key).where(events.c.job_id == job_id).order_by(events.c.seq).limit(EVENTS)
    return connection.execute(delete(events).where(tuple_(*key).in_(some))).rowcount


def _is_old(connection: Connection, job: LockedJob, keep: RetentionPolicy) -> bool:
    clock = connection.execute(select(now())).scalar_one()
    return bool(job.row.finished_at + keep.of_job(job.row.state) < clock)
