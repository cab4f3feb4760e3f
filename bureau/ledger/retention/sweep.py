"""Deletes expired rows in small batches: jobs, events, idempotency keys, workers, the audit, full token buckets."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, tuple_

from bureau.contracts.jobs.states import JobState
from bureau.ledger.access import idempotency as keys
from bureau.ledger.access import rate_limits as rates
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import audit, idempotency, jobs, rate_limits, workers
from bureau.ledger.dispatch import workers as workers_kept
from bureau.ledger.retention.delete_job import EVENTS, Erasing, erase_old, forget_events
from bureau.ledger.retention.policy import RetentionPolicy

JOBS = 20
ROWS = 500
FULL_SECONDS = 86_400.0

ENDED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
Mark = tuple[datetime, UUID]  # (finished_at, id) of a job


def forget_jobs(db: Database, keep: RetentionPolicy) -> int:
    """Deletes jobs whose retention time is over, with all that belongs to them; one or more transactions a job."""
    return sum(erase_old(db, job_id, keep) is Erasing.ERASED for job_id in _old_jobs(db, keep))


def _old_jobs(db: Database, keep: RetentionPolicy) -> list[UUID]:
    found: list[UUID] = []
    with db.read() as connection:
        for state in ENDED:
            query = (
                select(jobs.c.id)
                .where(jobs.c.state == state, jobs.c.finished_at < _ago(keep.of_job(state)))
                .order_by(jobs.c.finished_at)
                .limit(JOBS)
            )
            found += connection.execute(query).scalars()
    return found


def forget_old_events(db: Database, state: JobState, keep: RetentionPolicy, after: Mark | None) -> Mark | None:
    """Deletes events of jobs that ended in `state` and outlive their events.

    Returns the last of these jobs, or None where all are done. The caller passes it back as `after`, so that a job
    without events is not read again.
    """
    if keep.events >= keep.of_job(state):
        return None
    place = (jobs.c.finished_at, jobs.c.id)
    query = (
        select(*place).where(jobs.c.state == state, jobs.c.finished_at < _ago(keep.events)).order_by(*place).limit(JOBS)
    )
    if after is not None:
        query = query.where(tuple_(*place) > tuple_(*after, types=[column.type for column in place]))
    with db.read() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        _forget_events_of(db, row.id, state)
    return (rows[-1].finished_at, rows[-1].id) if rows else None


def _forget_events_of(db: Database, job_id: UUID, state: JobState) -> None:
    while True:
        with db.transaction() as connection:
            still = select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.state == state).with_for_update()
            if connection.execute(still).one_or_none() is None:
                return  # retried, or deleted
            if forget_events(connection, job_id) < EVENTS:
                return


def forget_keys(db: Database) -> int:
    """Deletes idempotency keys older than a day. Returns how many."""
    key = (idempotency.c.owner, idempotency.c.method, idempotency.c.path, idempotency.c.key)
    old = select(*key).where(idempotency.c.created_at < later(-keys.KEPT_SECONDS)).limit(ROWS)
    with db.transaction() as connection:
        return connection.execute(delete(idempotency).where(tuple_(*key).in_(old))).rowcount


def forget_workers(db: Database) -> int:
    """Deletes workers that were not seen for a day. Returns how many."""
    with db.transaction() as connection:
        old = workers.c.seen_at < later(-workers_kept.KEPT_SECONDS)
        return connection.execute(delete(workers).where(old)).rowcount


def forget_audit(db: Database, keep: RetentionPolicy) -> int:
    """Deletes audit rows whose retention time is over, the oldest first. Returns how many."""
    old = select(audit.c.id).where(audit.c.at < _ago(keep.audit)).order_by(audit.c.at).limit(ROWS)
    with db.transaction() as connection:
        return connection.execute(delete(audit).where(audit.c.id.in_(old))).rowcount


def forget_full_buckets(db: Database) -> int:
    """Deletes token buckets of keys unused for a day. A key without a row has a full bucket too. Returns how many."""
    full = select(rate_limits.c.key_id).where(rate_limits.c.full_at < rates.clock() - FULL_SECONDS).limit(ROWS)
    with db.transaction() as connection:
        # The time is checked again beside the id: a request may have taken a token just now.
        again = rate_limits.c.full_at < rates.clock() - FULL_SECONDS
        return connection.execute(delete(rate_limits).where(rate_limits.c.key_id.in_(full), again)).rowcount


def _ago(kept: timedelta) -> ColumnElement[datetime]:
    return later(-kept.total_seconds())
