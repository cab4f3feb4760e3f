"""Groups recent failures, so that a person sees one cause once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from bureau.contracts.jobs.states import JobState, TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import jobs, tasks

LOOKED_AT = 5_000  # the most recent failed jobs; beyond them a group's count is a lower bound
SHOWN = 20


@dataclass(frozen=True)
class Group:
    """Jobs that failed in the same task with the same code. `sample` is the one that failed last."""

    run: str
    code: str
    count: int
    first_at: datetime
    last_at: datetime
    sample: UUID
    message: str


@dataclass(frozen=True)
class Failures:
    """Groups, the largest first. `all_counted` is true where every failed job was counted."""

    groups: list[Group]
    all_counted: bool


def groups(db: Database, owner: str, *, seconds: float) -> Failures:
    """Returns the owner's jobs that failed in the last `seconds`, in groups."""
    failed = (
        select(jobs.c.id, jobs.c.finished_at, jobs.c.error)
        .where(jobs.c.state == JobState.FAILED, jobs.c.finished_at > later(-seconds), jobs.c.owner == owner)
        .order_by(jobs.c.finished_at.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    code = failed.c.error["code"].as_string()
    query = (
        select(
            tasks.c.run,
            code.label("code"),
            func.count().label("jobs"),
            func.min(failed.c.finished_at).label("first_at"),
            func.max(failed.c.finished_at).label("last_at"),
        )
        .select_from(failed)
        .join(tasks, tasks.c.job_id == failed.c.id)
        .where(tasks.c.state == TaskState.FAILED, tasks.c.name == failed.c.error["task"].as_string())
        .group_by(tasks.c.run, code)
        .order_by(func.count().desc(), tasks.c.run)
    )
    with db.read() as connection:
        rows = connection.execute(query).all()
        found = [_group(row, connection.execute(_sample(owner, row)).one()) for row in rows[:SHOWN]]
    return Failures(found, sum(row.jobs for row in rows) < LOOKED_AT)


def _sample(owner: str, row: Any) -> Any:
    """Selects the last job of a group, by its time, which has an index."""
    return (
        select(jobs.c.id, jobs.c.error)
        .join(tasks, tasks.c.job_id == jobs.c.id)
        .where(
            jobs.c.state == JobState.FAILED,
            jobs.c.finished_at == row.last_at,
            jobs.c.owner == owner,
            jobs.c.error["code"].as_string() == row.code,
            tasks.c.run == row.run,
        )
        .limit(1)
    )


def _group(row: Any, sample: Any) -> Group:
    return Group(row.run, row.code, row.jobs, row.first_at, row.last_at, sample.id, sample.error["message"])


@dataclass(frozen=True)
class Failure:
    """The first task of a job that failed; `message` is for people."""

    task: str
    code: str
    message: str
    details: Sequence[Mapping[str, Any]] = ()


def first_failure(db: Database, job_id: UUID) -> Failure | None:
    """Returns the first task that failed, or None. Raises `LedgerUnavailable`."""
    query = (
        select(tasks.c.name, tasks.c.error)
        .where(tasks.c.job_id == job_id, tasks.c.state == TaskState.FAILED)
        .order_by(tasks.c.finished_at, tasks.c.id)
        .limit(1)
    )
    with db.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    error = row.error or {}
    return Failure(row.name, str(error.get("code", "")), str(error.get("message", "")), error.get("details", []))
