"""Stores schedules, and checks who may change them; `firing` submits their jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.schedule_tables import schedule_uses, schedules
from bureau.ledger.db.sql_time import now
from bureau.ledger.files import artifacts
from bureau.ledger.schedules.ticks import Timing, first


class ScheduleOrigin(StrEnum):
    """Where a schedule was written, which is also where it can be changed."""

    API = "api"
    FILE = "file"


@dataclass(frozen=True)
class NewSchedule:
    """A validated schedule; `job` is what it submits, `uses` lists files that it refers to.

    `job` has the form of POST /v1/jobs, or one of the fields `report`, `email` and `certificates` with its request.
    """

    owner: str
    name: str
    timing: Timing
    job: dict[str, Any]
    enabled: bool
    misfire: Misfire
    source: ScheduleOrigin
    uses: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """A stored schedule. `problem` says why its last tick has no job."""

    owner: str
    name: str
    timing: Timing
    job: dict[str, Any]
    enabled: bool
    misfire: Misfire
    source: ScheduleOrigin
    next_at: datetime | None
    last_job_id: UUID | None
    problem: str | None
    problem_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OtherOrigin(Exception):
    """The schedule was written elsewhere, over HTTP or in a file, and can only be changed there."""

    def __init__(self, source: ScheduleOrigin) -> None:
        super().__init__(source)
        self.source = source


def save(
    db: Database,
    owner: str,
    name: str,
    source: ScheduleOrigin,
    made: Callable[[Schedule | None], NewSchedule],
    noted: Act | None = None,
) -> bool:
    """Stores what `made` returns for the current schedule, or for None. Returns True where there was none.

    `made` is called under a lock, so that nobody changes the schedule meanwhile; its exceptions pass through. The next
    tick stays as it was unless the times changed. Raises `OtherOrigin`, `ArtifactGone`.
    """
    with db.transaction() as connection:
        db.lock_queue(connection, f"schedule.{owner}.{name}")
        row = connection.execute(select(schedules, now().label("now")).where(_is(owner, name))).one_or_none()
        before = schedule_of(row) if row else None
        if before is not None and before.source is not source:
            raise OtherOrigin(before.source)
        new = made(before)
        clock = row.now if row else connection.execute(select(now())).scalar_one()
        _write(connection, new, before, clock)
        if noted:
            audit.note(connection, noted)
    return before is None


def delete_schedule(db: Database, owner: str, name: str, source: ScheduleOrigin, noted: Act | None = None) -> bool:
    """Deletes a schedule; its jobs stay. Returns False where no schedule has this name. Raises `OtherOrigin`."""
    with db.transaction() as connection:
        db.lock_queue(connection, f"schedule.{owner}.{name}")
        row = connection.execute(select(schedules.c.source).where(_is(owner, name))).one_or_none()
        if row is None:
            return False
        if row.source != source:
            raise OtherOrigin(ScheduleOrigin(row.source))
        connection.execute(delete(schedules).where(_is(owner, name)))
        if noted:
            audit.note(connection, noted)
    return True


def find(db: Database, owner: str, name: str) -> Schedule | None:
    with db.read() as connection:
        row = connection.execute(select(schedules).where(_is(owner, name))).one_or_none()
    return schedule_of(row) if row else None


def listed(db: Database, owner: str, *, after: str, limit: int) -> list[Schedule]:
    """Returns the owner's schedules after a name, in the order of names."""
    query = (
        select(schedules)
        .where(schedules.c.owner == owner, schedules.c.name > after)
        .order_by(schedules.c.name)
        .limit(limit)
    )
    with db.read() as connection:
        return [schedule_of(row) for row in connection.execute(query)]


def from_files(db: Database) -> list[tuple[str, str]]:
    """Returns (owner, name) of all schedules that were written in a file."""
    query = select(schedules.c.owner, schedules.c.name).where(schedules.c.source == ScheduleOrigin.FILE)
    with db.read() as connection:
        return [(row.owner, row.name) for row in connection.execute(query)]


def note_job(connection: Connection, owner: str, name: str, job_id: UUID) -> None:
    """Notes the schedule's last job, inside the transaction that submits it."""
    connection.execute(
        update(schedules).where(_is(owner, name)).values(last_job_id=job_id, problem=None, problem_at=None)
    )


def _write(connection: Connection, new: NewSchedule, before: Schedule | None, clock: datetime) -> None:
    values = {
        "cron": new.timing.cron,
        "every_seconds": new.timing.every_seconds,
        "time_zone": new.timing.time_zone,
        "job": new.job,
        "enabled": new.enabled,
        "misfire": new.misfire,
        "source": new.source,
        "next_at": _next(new, before, clock),
        "problem": None,
        "problem_at": None,
        "updated_at": now(),
    }
    if before is None:
        connection.execute(insert(schedules).values(owner=new.owner, name=new.name, created_at=now(), **values))
    else:
        connection.execute(update(schedules).where(_is(new.owner, new.name)).values(values))
        connection.execute(
            delete(schedule_uses).where(schedule_uses.c.owner == new.owner, schedule_uses.c.name == new.name)
        )
    if new.uses:
        artifacts.lock_used(connection, new.owner, new.uses)
        connection.execute(
            insert(schedule_uses), [{"owner": new.owner, "name": new.name, "artifact_id": used} for used in new.uses]
        )


def _next(new: NewSchedule, before: Schedule | None, clock: datetime) -> datetime | None:
    if not new.enabled:
        return None
    if before is not None and before.enabled and before.timing == new.timing:
        return before.next_at
    return first(new.timing, clock)


def schedule_of(row: Row[Any]) -> Schedule:
    kept = {name: getattr(row, name) for name in Schedule.__dataclass_fields__ if name != "timing"}
    kept["misfire"], kept["source"] = Misfire(row.misfire), ScheduleOrigin(row.source)
    return Schedule(timing=Timing(row.cron, row.every_seconds, row.time_zone), **kept)


def _is(owner: str, name: str) -> ColumnElement[bool]:
    return and_(schedules.c.owner == owner, schedules.c.name == name)
