"""Counts the tasks that ended in each minute, by queue. The console draws the last hour from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Text, cast, func, select

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import tasks


@dataclass(frozen=True)
class Minute:
    """The number of a queue's tasks that ended in the minute that began at `at`."""

    queue: str
    at: datetime
    succeeded: int
    failed: int


def clock(db: Database) -> datetime:
    """Returns the ledger's time."""
    with db.read() as connection:
        found: datetime = connection.execute(select(now())).scalar_one()
    return found


def minutes(db: Database, since: datetime) -> list[Minute]:
    """Returns every queue's minutes from `since` on in which a task ended. An index holds all that this reads."""
    minute = _minute(tasks.c.finished_at, db)
    query = (
        select(tasks.c.queue, minute.label("at"), tasks.c.state, func.count().label("n"))
        .where(tasks.c.finished_at >= since, tasks.c.state.in_((TaskState.SUCCEEDED, TaskState.FAILED)))
        .group_by(tasks.c.queue, minute, tasks.c.state)
    )
    found: dict[tuple[str, datetime], dict[str, int]] = {}
    with db.read() as connection:
        for row in connection.execute(query):
            found.setdefault((row.queue, _read(row.at)), {})[row.state] = row.n
    return [
        Minute(queue, at, counts.get(TaskState.SUCCEEDED, 0), counts.get(TaskState.FAILED, 0))
        for (queue, at), counts in found.items()
    ]


def whole_minute(moment: datetime) -> datetime:
    return moment - timedelta(seconds=moment.second, microseconds=moment.microsecond)


def _minute(moment: ColumnElement[datetime], db: Database) -> ColumnElement[str]:
    """Formats a time as `2026-01-31 09:05`, in UTC, on both databases."""
    if db.is_sqlite:
        return func.substr(cast(moment, Text), 1, 16)
    return func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD HH24:MI")


def _read(minute: str) -> datetime:
    return datetime.fromisoformat(f"{minute}+00:00")
