"""Submission: jobs, their tasks and the idempotency answer in one transaction. Nothing is published inside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, literal

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.ids import new_id
from bureau.contracts.jobs.states import JobState, TaskState, When
from bureau.ledger.access.idempotency import Answer, Reservation, answer
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import UtcDateTime, later, now
from bureau.ledger.db.tables import dependencies, job_tags, jobs, tasks
from bureau.ledger.files import artifacts
from bureau.ledger.jobs.locked_job import LockedJob


@dataclass(frozen=True)
class NewTask:
    """A task that was validated: its graph is acyclic, its names are unique, its input fits the announced schema."""

    name: str
    run: str
    queue: str
    input: dict[str, Any]
    after: tuple[str, ...] = ()
    when: When = When.SUCCEEDED
    optional: bool = False
    retry: RetryPolicy = RetryPolicy()  # noqa: RUF009 - frozen
    time_limit_seconds: float = 1800.0


@dataclass(frozen=True)
class NewJob:
    """A job as it was accepted; `uses` are artifacts of its owner that it refers to."""

    id: UUID
    owner: str
    kind: str
    title: str
    tasks: tuple[NewTask, ...]
    tags: tuple[str, ...] = ()
    priority: int = 5
    run_at: datetime | None = None
    delay_seconds: float | None = None
    expires_at: datetime | None = None
    uses: tuple[UUID, ...] = ()


def submit(
    db: Database, new: Sequence[NewJob], reservation: Reservation | None = None, *, given: Answer | None = None
) -> None:
    """All jobs or none. Raises `ArtifactGone`, `ReservationLost`."""
    with db.transaction() as connection:
        for job in new:
            insert_job(connection, job)
        if reservation and given:
            answer(connection, reservation, given)


def added_name(adding: str, name: str) -> str:
    """What an added task is called in its job: no submitted name holds a colon, so none is met."""
    return f"{adding}:{name}"


def insert_job(connection: Connection, job: NewJob) -> None:
    """One job, inside the caller's transaction."""
    connection.execute(
        insert(jobs).values(
            id=job.id,
            owner=job.owner,
            kind=job.kind,
            title=job.title,
            tags=list(job.tags),
            state=JobState.OPEN,
            priority=job.priority,
            total_tasks=len(job.tasks),
            open_tasks=len(job.tasks),
            created_at=now(),
            run_at=_due(job) if job.run_at or job.delay_seconds else None,
            expires_at=job.expires_at,
        )
    )
    if job.tags:
        connection.execute(insert(job_tags), [{"job_id": job.id, "tag": tag} for tag in dict.fromkeys(job.tags)])
    _insert_tasks(connection, job.id, job.tasks, 0, job.priority, due=_due(job), expires_at=job.expires_at)
    artifacts.use(connection, job.id, job.owner, job.uses)


def add_tasks(job: LockedJob, new: Sequence[NewTask]) -> None:
    """Tasks added to an open job, under its lock; who has no `after` is ready at once."""
    if new:
        _insert_tasks(job.connection, job.id, new, job.total_tasks, job.row.priority, due=now(), expires_at=None)
        job.added(len(new))


def _insert_tasks(
    connection: Connection,
    job_id: UUID,
    new: Sequence[NewTask],
    first_position: int,
    priority: int,
    *,
    due: ColumnElement[datetime],
    expires_at: datetime | None,
) -> None:
    ids = {task.name: new_id() for task in new}
    rows = [
        {"id": ids[task.name], "job_id": job_id, "position": position, "priority": priority, **_columns(task)}
        for position, task in enumerate(new, start=first_position)
    ]
    roots = [{**row, "expires_at": expires_at} for row in rows if row["upstream_open"] == 0]
    others = [row for row in rows if row["upstream_open"] > 0]
    if roots:
        connection.execute(insert(tasks).values(due_at=due), roots)
    if others:
        connection.execute(insert(tasks), others)
    links = [
        {"upstream": ids[upstream], "downstream": ids[task.name]}
        for task in new
        for upstream in dict.fromkeys(task.after)
    ]
    if links:
        connection.execute(insert(dependencies), links)


def _columns(task: NewTask) -> dict[str, Any]:
    upstream = len(set(task.after))
    return {
        "name": task.name,
        "run": task.run,
        "queue": task.queue,
        "state": TaskState.WAITING if upstream else TaskState.READY,
        "input": task.input,
        "after": list(task.after),
        "when": task.when,
        "optional": task.optional,
        "max_attempts": task.retry.max_attempts,
        "base_seconds": task.retry.base_seconds,
        "cap_seconds": task.retry.cap_seconds,
        "time_limit_seconds": task.time_limit_seconds,
        "upstream_open": upstream,
    }


def _due(job: NewJob) -> ColumnElement[datetime]:
    """`run_at` where given, else now plus `delay_seconds`."""
    if job.run_at is not None:
        return literal(job.run_at, UtcDateTime())
    return later(job.delay_seconds or 0.0)
