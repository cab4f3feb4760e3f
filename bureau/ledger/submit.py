"""Submission: jobs, their tasks and the idempotency answer in one transaction. Nothing is published inside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, literal

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.ids import new_id
from bureau.contracts.states import JobState, TaskState, When
from bureau.ledger import artifacts
from bureau.ledger.clock import UtcDateTime, later, now
from bureau.ledger.database import Database
from bureau.ledger.idempotency import Answer, Reservation, answer
from bureau.ledger.tables import dependencies, job_tags, jobs, tasks


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
    ids = {task.name: new_id() for task in job.tasks}
    _insert_tasks(connection, job, ids)
    links = [
        {"upstream": ids[upstream], "downstream": ids[task.name]}
        for task in job.tasks
        for upstream in dict.fromkeys(task.after)
    ]
    if links:
        connection.execute(insert(dependencies), links)
    artifacts.use(connection, job.id, job.owner, job.uses)


def _insert_tasks(connection: Connection, job: NewJob, ids: dict[str, UUID]) -> None:
    rows = [_row(job, task, ids[task.name], position) for position, task in enumerate(job.tasks)]
    roots = [row for row in rows if row["upstream_open"] == 0]
    others = [row for row in rows if row["upstream_open"] > 0]
    connection.execute(insert(tasks).values(due_at=_due(job)), roots)
    if others:
        connection.execute(insert(tasks), others)


def _row(job: NewJob, task: NewTask, task_id: UUID, position: int) -> dict[str, Any]:
    upstream = len(set(task.after))
    return {
        "id": task_id,
        "job_id": job.id,
        "position": position,
        "name": task.name,
        "run": task.run,
        "queue": task.queue,
        "state": TaskState.WAITING if upstream else TaskState.READY,
        "input": task.input,
        "after": list(task.after),
        "when": task.when,
        "optional": task.optional,
        "priority": job.priority,
        "max_attempts": task.retry.max_attempts,
        "base_seconds": task.retry.base_seconds,
        "cap_seconds": task.retry.cap_seconds,
        "time_limit_seconds": task.time_limit_seconds,
        "upstream_open": upstream,
        "expires_at": None if upstream else job.expires_at,
    }


def _due(job: NewJob) -> ColumnElement[datetime]:
    """`run_at` where given, else now plus `delay_seconds`."""
    if job.run_at is not None:
        return literal(job.run_at, UtcDateTime())
    return later(job.delay_seconds or 0.0)
