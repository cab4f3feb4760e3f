"""Submits the jobs of due schedules. Any number of schedulers may run: each tick gets its job once.

Advancing a schedule's next tick and submitting its jobs is one transaction, so only one scheduler does it. A job's id
follows from owner, schedule and tick, so a tick that comes again (because a clock was set back) finds its job.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Connection, exists, select, update

from bureau.ledger.access import quotas
from bureau.ledger.access.quotas import Quota, QuotaExceeded
from bureau.ledger.db.database import Database
from bureau.ledger.db.schedule_tables import schedules
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import jobs
from bureau.ledger.files.artifacts import ArtifactGone
from bureau.ledger.jobs.submit import NewJob, insert_job
from bureau.ledger.schedules.schedules import Schedule, note_job, schedule_of
from bureau.ledger.schedules.ticks import plan

LIMIT = 100  # schedules in one pass

log = structlog.get_logger(__name__)

Build = Callable[[Schedule, UUID], NewJob]
"""The job of a schedule, with the id it is to have. Raises ValueError, in words for people, where there is none."""


def due(db: Database) -> list[tuple[str, str]]:
    """Returns (owner, name) of schedules with a due tick, the longest waiting first."""
    query = (
        select(schedules.c.owner, schedules.c.name)
        .where(schedules.c.next_at <= now())
        .order_by(schedules.c.next_at)
        .limit(LIMIT)
    )
    with db.read() as connection:
        return [(row.owner, row.name) for row in connection.execute(query)]


def fire(db: Database, owner: str, name: str, build: Build, quota: Quota = Quota()) -> int:  # noqa: B008 - frozen
    """Submits the jobs of due ticks, at most `ticks.BATCH`. Returns how many.

    The schedule's `problem` says why a tick has no job.
    """
    with db.transaction() as connection:
        row = connection.execute(
            select(schedules, now().label("now"))
            .where(schedules.c.owner == owner, schedules.c.name == name, schedules.c.next_at <= now())
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return 0  # another scheduler took it, or somebody changed it
        schedule = schedule_of(row)
        planned = plan(schedule.timing, row.next_at, row.now, schedule.misfire)
        moved = connection.execute(
            update(schedules)
            .where(schedules.c.owner == owner, schedules.c.name == name, schedules.c.next_at == row.next_at)
            .values(next_at=planned.next_at)
        )
        if moved.rowcount == 0:
            return 0
        return sum(_submit(connection, schedule, tick, build, quota) for tick in planned.fire)


def tick_id(owner: str, name: str, tick: datetime) -> UUID:
    """Makes a UUID version 8 (RFC 9562, section 5.8) that begins with the time: new rows are neighbours in an index."""
    digest = hashlib.sha256("\0".join(("schedule", owner, name, tick.isoformat())).encode()).digest()
    value = int(tick.timestamp() * 1000) << 80 | int.from_bytes(digest[:10], "big")
    value = value & ~(0xF << 76) | (0x8 << 76)  # version 8
    value = value & ~(0x3 << 62) | (0x2 << 62)  # the RFC's variant
    return UUID(int=value)


def _submit(connection: Connection, schedule: Schedule, tick: datetime, build: Build, quota: Quota) -> bool:
    job_id = tick_id(schedule.owner, schedule.name, tick)
    if connection.execute(select(exists().where(jobs.c.id == job_id))).scalar_one():
        return False
    try:
        with connection.begin_nested():
            quotas.hold(connection, schedule.owner, quota, jobs=1, size=0)
            insert_job(connection, build(schedule, job_id))
    except (ArtifactGone, QuotaExceeded, ValueError) as error:
        _note_problem(connection, schedule, tick, error)
        return False
    note_job(connection, schedule.owner, schedule.name, job_id)
    return True


def _note_problem(connection: Connection, schedule: Schedule, tick: datetime, error: Exception) -> None:
    """Writes why the tick has no job. The schedule goes on: the next tick may have one again."""
    reason = _reason(schedule.owner, error)
    log.warning(
        "no job was submitted for a tick of a schedule",
        owner=schedule.owner,
        schedule=schedule.name,
        tick=tick,
        error=reason,
    )
    connection.execute(
        update(schedules)
        .where(schedules.c.owner == schedule.owner, schedules.c.name == schedule.name)
        .values(problem=reason[:1000], problem_at=now())
    )


def _reason(owner: str, error: Exception) -> str:
    match error:
        case ArtifactGone():
            return f"These files no longer exist: {error}."
        case QuotaExceeded():
            return error.message_for(owner)
        case _:
            return str(error)
