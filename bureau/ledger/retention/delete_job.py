"""Deletes a job that has ended, by request or because it is old. Its events go first, in small batches."""

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

EVENTS = 1000  # in one transaction


class Erasing(StrEnum):
    """The state in which a deletion found the job."""

    ERASED = "erased"
    NOT_ENDED = "not_ended"
    TOO_YOUNG = "too_young"  # it was retried, and has ended again since


def erase(db: Database, job_id: UUID, owner: str, noted: Act | None = None) -> Erasing | None:
    """Deletes the owner's job with its tasks, attempts, deliveries, events and files. Returns None for no such job.

    Nobody can download its files from now on; the scheduler deletes their bytes. A process that is killed in the middle
    has deleted some events, and repeating the request continues.
    """
    return _erase(db, job_id, owner=owner, noted=noted)


def erase_old(db: Database, job_id: UUID, keep: RetentionPolicy) -> Erasing | None:
    """Deletes the job if its retention time is over."""
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
                continue  # the next batch has its own transaction, so that nobody waits long for a lock
            let_go(job)
            connection.execute(delete(jobs).where(jobs.c.id == job_id))
            if noted:
                audit.note(connection, noted)
        return Erasing.ERASED


def forget_events(connection: Connection, job_id: UUID) -> int:
    """Deletes a batch of the job's oldest events. Returns how many."""
    key = (events.c.job_id, events.c.seq)
    some = select(*key).where(events.c.job_id == job_id).order_by(events.c.seq).limit(EVENTS)
    return connection.execute(delete(events).where(tuple_(*key).in_(some))).rowcount


def _is_old(connection: Connection, job: LockedJob, keep: RetentionPolicy) -> bool:
    clock = connection.execute(select(now())).scalar_one()
    return bool(job.row.finished_at + keep.of_job(job.row.state) < clock)
