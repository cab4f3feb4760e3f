"""Decides when files expire, and removes them: first the download ends, then the bytes go, then the row.

A file that a job made expires some time after the job's end, an upload a day after the last job that referred to it. A
file that an open job or a schedule refers to is kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select, update

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import artifact_uses, artifacts, jobs, schedule_uses
from bureau.ledger.files.artifacts import used_elsewhere
from bureau.ledger.jobs.locked_job import LockedJob, lock_job
from bureau.ledger.retention.policy import UPLOADS_LONGER, RetentionPolicy

BATCH = 200


@dataclass(frozen=True)
class Candidates:
    """Files to decide about: the jobs that made files, and uploads by id."""

    jobs: list[UUID]
    uploads: list[UUID]


def undecided(db: Database) -> Candidates:
    """Returns files of ended jobs, and uploads, without an expiry time."""
    query = (
        select(artifacts.c.id, artifacts.c.job_id)
        .outerjoin(jobs, jobs.c.id == artifacts.c.job_id)
        .where(artifacts.c.removed_at.is_(None), artifacts.c.expires_at.is_(None))
        .where(or_(artifacts.c.job_id.is_(None), jobs.c.state != JobState.OPEN))
        .limit(BATCH)
    )
    return _candidates(db, query)


def expired(db: Database) -> Candidates:
    """Returns files whose expiry time has passed."""
    query = (
        select(artifacts.c.id, artifacts.c.job_id)
        .where(artifacts.c.removed_at.is_(None), artifacts.c.expires_at < now())
        .order_by(artifacts.c.expires_at)
        .limit(BATCH)
    )
    return _candidates(db, query)


def _candidates(db: Database, query: Any) -> Candidates:
    with db.read() as connection:
        rows = connection.execute(query).all()
    of_jobs = dict.fromkeys(row.job_id for row in rows if row.job_id is not None)
    return Candidates(list(of_jobs), [row.id for row in rows if row.job_id is None])


def settle(db: Database, found: Candidates, keep: RetentionPolicy) -> int:
    """Sets the expiry times of files anew, or removes files. Returns how many."""
    changed = sum(_settle_job(db, job_id, keep) for job_id in found.jobs)
    return changed + (_settle_uploads(db, found.uploads, keep) if found.uploads else 0)


def outdated(db: Database, keep: RetentionPolicy, after: UUID | None) -> tuple[Candidates, UUID | None]:
    """Returns a page of jobs whose files' expiry differs from today's settings, and the next page's start."""
    query = (
        select(artifacts.c.id, artifacts.c.job_id, artifacts.c.expires_at, jobs.c.state, jobs.c.finished_at)
        .join(jobs, jobs.c.id == artifacts.c.job_id)
        .where(artifacts.c.removed_at.is_(None), artifacts.c.expires_at.is_not(None))
        .order_by(artifacts.c.id)
        .limit(BATCH)
    )
    if after is not None:
        query = query.where(artifacts.c.id > after)
    with db.read() as connection:
        rows = connection.execute(query).all()
    wrong = [row.job_id for row in rows if row.expires_at != keep.file_expires_at(row.state, row.finished_at)]
    return Candidates(list(dict.fromkeys(wrong)), []), rows[-1].id if len(rows) == BATCH else None


def _settle_job(db: Database, job_id: UUID, keep: RetentionPolicy) -> int:
    with db.transaction() as connection:
        job = lock_job(connection, job_id)
        if job is None:
            return 0
        expires_at = keep.file_expires_at(job.row.state, job.row.finished_at)
        if expires_at is None or expires_at > _clock(connection):
            return _set_expiry(connection, job_id, expires_at)
        return _remove(connection, _locked(connection, artifacts.c.job_id == job_id), keep, apart_from=job_id)


def _set_expiry(connection: Connection, job_id: UUID, expires_at: datetime | None) -> int:
    other: ColumnElement[bool] = artifacts.c.expires_at.is_not(None)
    if expires_at is not None:
        other = or_(artifacts.c.expires_at.is_(None), artifacts.c.expires_at != expires_at)
    changed = connection.execute(
        update(artifacts)
        .where(artifacts.c.job_id == job_id, artifacts.c.removed_at.is_(None), other)
        .values(expires_at=expires_at)
    )
    return changed.rowcount


def _settle_uploads(db: Database, ids: Sequence[UUID], keep: RetentionPolicy) -> int:
    with db.transaction() as connection:
        return _remove(connection, _locked(connection, artifacts.c.id.in_(ids), artifacts.c.job_id.is_(None)), keep)


def _locked(connection: Connection, *which: Any) -> list[Row[Any]]:
    """Locks files against submissions that are about to refer to them; earlier submissions are committed and seen."""
    return list(
        connection.execute(
            select(artifacts.c.id, artifacts.c.job_id, artifacts.c.created_at)
            .where(*which, artifacts.c.removed_at.is_(None))
            .order_by(artifacts.c.id)
            .with_for_update()
        )
    )


def _remove(
    connection: Connection, files: Sequence[Row[Any]], keep: RetentionPolicy, *, apart_from: UUID | None = None
) -> int:
    """Ends the download of files that nobody needs; a needed one gets the time until which it is needed."""
    clock = _clock(connection)
    until = _needed_until(connection, [file.id for file in files], keep, clock, apart_from=apart_from)
    for file in files:
        if file.job_id is None:
            until[file.id] = max(until.get(file.id, clock), file.created_at + UPLOADS_LONGER)
    gone = [file.id for file in files if until.get(file.id, clock) <= clock]
    if gone:
        connection.execute(update(artifacts).where(artifacts.c.id.in_(gone)).values(removed_at=now()))
    for file_id in sorted(until.keys() - set(gone)):
        connection.execute(update(artifacts).where(artifacts.c.id == file_id).values(expires_at=until[file_id]))
    return len(files)


def _needed_until(
    connection: Connection,
    ids: Collection[UUID],
    keep: RetentionPolicy,
    clock: datetime,
    *,
    apart_from: UUID | None = None,
) -> dict[UUID, datetime]:
    """Returns which locked files others refer to, and until when; an open job needs them for a day more."""
    until: dict[UUID, datetime] = {}
    scheduled = select(schedule_uses.c.artifact_id).where(schedule_uses.c.artifact_id.in_(ids))
    for file_id in connection.execute(scheduled).scalars():
        until[file_id] = clock + UPLOADS_LONGER
    uses = (
        select(artifact_uses.c.artifact_id, jobs.c.state, jobs.c.finished_at)
        .join(jobs, jobs.c.id == artifact_uses.c.job_id)
        .where(artifact_uses.c.artifact_id.in_(ids))
    )
    if apart_from is not None:
        uses = uses.where(artifact_uses.c.job_id != apart_from)
    for use in connection.execute(uses):
        lives = use.state == JobState.OPEN
        needed = clock + UPLOADS_LONGER if lives else keep.upload_needed_until(use.state, use.finished_at)
        if needed > clock:
            until[use.artifact_id] = max(needed, until.get(use.artifact_id, needed))
    return until


def let_go(job: LockedJob) -> None:
    """Removes the files of a job that is deleted next; uploads, and files that others refer to, are decided again."""
    connection, made = job.connection, artifacts.c.job_id == job.id
    used = select(artifact_uses.c.artifact_id).where(artifact_uses.c.job_id == job.id)
    uploads = and_(artifacts.c.id.in_(used), artifacts.c.job_id.is_(None))
    _locked(connection, or_(made, uploads))
    connection.execute(
        update(artifacts)
        .where(or_(uploads, and_(made, used_elsewhere(job.id))), artifacts.c.removed_at.is_(None))
        .values(job_id=None, task=None, expires_at=now())
    )
    connection.execute(update(artifacts).where(made, artifacts.c.removed_at.is_(None)).values(removed_at=now()))
    connection.execute(update(artifacts).where(made).values(job_id=None, task=None))


def forget_deleted(db: Database) -> int:
    """Deletes a batch of rows whose bytes are gone from storage. Returns how many."""
    rows = select(artifacts.c.id).where(artifacts.c.deleted_at.is_not(None)).limit(BATCH)
    with db.transaction() as connection:
        return connection.execute(delete(artifacts).where(artifacts.c.id.in_(rows))).rowcount


def _clock(connection: Connection) -> datetime:
    moment: datetime = connection.execute(select(now())).scalar_one()
    return moment
