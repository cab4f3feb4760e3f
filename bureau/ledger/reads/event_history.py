"""Reads events: those of a job from any number on, and the new ones of some jobs or some owners."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import events, jobs, tasks
from bureau.ledger.jobs.event_cursor import EventCursor, between, current_cursor

LIVE_SECONDS = 24 * 3600  # a database restored from a dump holds old events with the numbers of future transactions

# A lookup for each event: a join might read all jobs of an owner for three events.
_owner = select(jobs.c.owner).where(jobs.c.id == events.c.job_id).scalar_subquery()


@dataclass(frozen=True)
class Happened:
    """A committed event; `seq` grows by one within its job."""

    job_id: UUID
    seq: int
    type: str
    at: datetime
    task: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Head:
    """The number of a job's last event, and whether the job has ended."""

    seq: int
    ended: bool


def head(db: Database, job_id: UUID, owner: str) -> Head | None:
    """Returns the job's head, or None where this owner has no such job."""
    with db.read() as connection:
        row = connection.execute(
            select(jobs.c.event_seq, jobs.c.state).where(jobs.c.id == job_id, jobs.c.owner == owner)
        ).one_or_none()
    return Head(row.event_seq, row.state != JobState.OPEN) if row else None


def events_of(db: Database, job_id: UUID, *, after: int, limit: int) -> list[Happened]:
    """Returns the job's events after a number, in order."""
    with db.read() as connection:
        return _events_of(connection, job_id, after, limit)


def new_to_jobs(db: Database, seen: Mapping[UUID, int], *, limit: int) -> dict[UUID, list[Happened]]:
    """Returns the jobs' events after the numbers in `seen`, at most `limit` each; one query where there are none."""
    with db.read() as connection:
        last = connection.execute(select(jobs.c.id, jobs.c.event_seq).where(jobs.c.id.in_(seen)))
        moved = [row.id for row in last.all() if row.event_seq > seen[row.id]]
        return {job_id: _events_of(connection, job_id, seen[job_id], limit) for job_id in moved}


def present(db: Database) -> EventCursor:
    """Returns the cursor after which events are new."""
    with db.read() as connection:
        return current_cursor(connection)


def new_to_owners(
    db: Database, owners: Collection[str], since: EventCursor, until: EventCursor, *, limit: int
) -> dict[str, list[Happened]] | None:
    """Returns the owners' events between two cursors, in each job's order; None where they are more than `limit`."""
    if since == until:
        return {}
    recent = events.c.at > later(-LIVE_SECONDS)
    new = select(events, _owner.label("owner")).where(recent, _owner.in_(owners)).limit(limit + 1)
    with db.read() as connection:
        rows = [row for condition in between(since, until) for row in connection.execute(new.where(condition))]
    if len(rows) > limit:
        return None
    found: dict[str, list[Happened]] = {}
    for row in sorted(rows, key=lambda row: (row.job_id, row.seq)):
        found.setdefault(row.owner, []).append(_happened(row))
    return found


def _events_of(connection: Connection, job_id: UUID, after: int, limit: int) -> list[Happened]:
    rows = connection.execute(
        select(events).where(events.c.job_id == job_id, events.c.seq > after).order_by(events.c.seq).limit(limit)
    )
    return [_happened(row) for row in rows]


def _happened(row: Any) -> Happened:
    return Happened(row.job_id, row.seq, row.type, row.at, row.task, row.data)


@dataclass(frozen=True)
class Declared:
    """A task as its client submitted it."""

    name: str
    run: str
    input: dict[str, Any]
    after: list[str]
    when: str
    optional: bool
    queue: str


def declared(db: Database, job_id: UUID, owner: str) -> list[Declared]:
    """Returns the job's tasks in order; an empty list where this owner has no such job."""
    names = ("name", "run", "input", "after", "when", "optional", "queue")
    columns = [tasks.c[name] for name in names]
    query = select(*columns).join(jobs, jobs.c.id == tasks.c.job_id)
    query = query.where(tasks.c.job_id == job_id, jobs.c.owner == owner).order_by(tasks.c.position)
    with db.read() as connection:
        return [Declared(*row) for row in connection.execute(query)]


def last_events(db: Database, job_id: UUID, *, limit: int) -> list[Happened]:
    """Returns the last events of a job, the oldest of them first. The caller has checked the job's owner.

    Progress events are left out: a long task writes two a second, and the task's own row holds the last of them.
    """
    query = select(events).where(events.c.job_id == job_id, events.c.type != "task.progressed")
    query = query.order_by(events.c.seq.desc()).limit(limit)
    with db.read() as connection:
        rows = connection.execute(query).all()
    return [Happened(row.job_id, row.seq, row.type, row.at, row.task, row.data) for row in reversed(rows)]
