"""Lists tasks across an owner's jobs: active, reserved, scheduled, retrying."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age, now
from bureau.ledger.db.tables import jobs, tasks
from bureau.ledger.reads.job_views import attempt_number, task_state, with_percent


@dataclass(frozen=True)
class TaskRow:
    """A task in a list, with its job; `state` is the API's word."""

    id: UUID
    job_id: UUID
    job_title: str
    name: str
    run: str
    queue: str
    state: str
    priority: int
    attempt: int
    max_attempts: int
    due_at: datetime | None
    hinted_at: datetime | None
    worker: str | None
    started_at: datetime | None
    finished_at: datetime | None
    progress: dict[str, Any] | None
    error: dict[str, Any] | None
    attempt_number: int


@dataclass(frozen=True)
class TaskFilter:
    """A filter of tasks: `states` are the API's; `hinted` keeps those with a message on its way or in RabbitMQ."""

    states: tuple[str, ...] = ()
    queue: str | None = None
    run: str | None = None
    hinted: bool = False


def tasks_across(db: Database, owner: str, wanted: TaskFilter, *, before: UUID | None, limit: int) -> list[TaskRow]:
    """Returns the owner's tasks, the newest first, older than the task `before`."""
    query = (
        select(tasks, jobs.c.title, age(tasks.c.due_at).label("overdue"))
        .join(jobs, jobs.c.id == tasks.c.job_id)
        .where(jobs.c.owner == owner, *_conditions(wanted))
        .order_by(tasks.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tasks.c.id < before)
    with db.read() as connection:
        return [_task_row(row) for row in connection.execute(query)]


def _task_row(row: Any) -> TaskRow:
    due_in = None if row.overdue is None else -row.overdue
    return TaskRow(
        id=row.id,
        job_id=row.job_id,
        job_title=row.title,
        name=row.name,
        run=row.run,
        queue=row.queue,
        state=task_state(row.state, due_in_seconds=due_in, claim_no=row.claim_no),
        priority=row.priority,
        attempt=attempt_number(row.failures, row.claim_no),
        max_attempts=row.max_attempts,
        due_at=row.due_at,
        hinted_at=row.hinted_at,
        worker=row.worker,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=with_percent(row.progress),
        error=row.error,
        attempt_number=row.claim_no,
    )


def _conditions(wanted: TaskFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(or_(*(_in_state(state) for state in wanted.states)))
    if wanted.queue:
        conditions.append(tasks.c.queue == wanted.queue)
    if wanted.run:
        conditions.append(tasks.c.run == wanted.run)
    if wanted.hinted:
        conditions.append(tasks.c.hinted_at.is_not(None))
    return conditions


def _in_state(state: str) -> ColumnElement[bool]:
    """Turns an API state into a condition: `scheduled`, `retrying` and `queued` are all stored as `ready`."""
    ready = tasks.c.state == TaskState.READY
    match state:
        case "queued":
            return ready & (tasks.c.due_at <= now())
        case "scheduled":
            return ready & (tasks.c.due_at > now()) & (tasks.c.claim_no == 0)
        case "retrying":
            return ready & (tasks.c.due_at > now()) & (tasks.c.claim_no > 0)
        case _:
            return tasks.c.state == state
