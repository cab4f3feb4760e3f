"""Inserts jobs, their tasks and the idempotency answer in one transaction. Nothing is published inside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, literal
from sqlalchemy.dialects import postgresql, sqlite

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
    """Holds a validated task: the graph is acyclic, names are unique, the input matches the announced schema."""

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
    """Holds an accepted job; `uses` are artifacts of its owner that it refers to.

    `id_given` says that the client chose the id, so that a job with it may be in the ledger already.
    """

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
    id_given: bool = False

    @property
    def due_at_once(self) -> bool:
        """Returns whether its first tasks are due when it is accepted."""
        return self.run_at is None and not self.delay_seconds

    def due_at(self, accepted_at: datetime) -> datetime:
        """Returns when its first tasks are due."""
        return self.run_at or accepted_at + timedelta(seconds=round(self.delay_seconds or 0.0, 3))


@dataclass(frozen=True)
class StampedTask:
    """Names a task that was inserted with its hint's stamp: its inserter publishes the hint after the commit."""

    id: UUID
    name: str
    run: str
    queue: str


class JobIdTaken(Exception):
    """Says that a job of any owner has the id that the client chose; `job_id` is that id."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(job_id)
        self.job_id = job_id


Room = Callable[[str], bool]
"""Whether the window of a queue has room for one more hint; a yes takes the place."""


def no_room(_queue: str) -> bool:
    """Gives no stamps, so the relay publishes the hints, as it does for tasks that become due later."""
    return False


def submit(
    db: Database, new: Sequence[NewJob], reservation: Reservation | None = None, *, given: Answer | None = None
) -> None:
    """Inserts all jobs or none. Raises `ArtifactGone` or `ReservationLost`."""
    with db.transaction() as connection:
        for job in new:
            insert_job(connection, job)
        if reservation and given:
            answer(connection, reservation, given)


def added_name(adding: str, name: str) -> str:
    """Returns the name of an added task in its job: submitted names hold no colon, so it collides with none."""
    return f"{adding}:{name}"


def insert_job(
    connection: Connection, job: NewJob, *, at: datetime | None = None, room: Room = no_room
) -> list[StampedTask]:
    """Inserts one job inside the caller's transaction, and returns the tasks that got the stamp of their hint.

    `at` is the database's time at which the job is accepted, if the caller read it; else each statement's time is used.
    Raises `JobIdTaken`; then nothing was inserted.
    """
    accepted = now() if at is None else literal(at, UtcDateTime())
    due = _due(job) if at is None else literal(job.due_at(at), UtcDateTime())
    insert_new = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    inserted = connection.execute(
        insert_new(jobs)
        .values(
            id=job.id,
            owner=job.owner,
            kind=job.kind,
            title=job.title,
            tags=list(job.tags),
            state=JobState.OPEN,
            priority=job.priority,
            total_tasks=len(job.tasks),
            open_tasks=len(job.tasks),
            created_at=accepted,
            run_at=None if job.due_at_once else due,
            expires_at=job.expires_at,
        )
        .on_conflict_do_nothing(index_elements=[jobs.c.id])
    )
    if inserted.rowcount == 0:
        raise JobIdTaken(job.id)
    if job.tags:
        connection.execute(insert(job_tags), [{"job_id": job.id, "tag": tag} for tag in dict.fromkeys(job.tags)])
    rows, links = task_rows(job.id, job.tasks, 0, job.priority, job.expires_at)
    stamped = [row for row in rows if row["upstream_open"] == 0 and job.due_at_once and room(row["queue"])]
    _insert_tasks(connection, rows, links, due=due, stamped=[row["id"] for row in stamped], at=accepted)
    artifacts.use(connection, job.id, job.owner, job.uses)
    return [StampedTask(row["id"], row["name"], row["run"], row["queue"]) for row in stamped]


def add_tasks(job: LockedJob, new: Sequence[NewTask]) -> None:
    """Adds tasks to an open job, under its lock; a task without `after` is ready at once."""
    if new:
        rows, links = task_rows(job.id, new, job.total_tasks, job.row.priority, None)
        _insert_tasks(job.connection, rows, links, due=now())
        job.added(len(new))


def task_rows(
    job_id: UUID, new: Sequence[NewTask], first_position: int, priority: int, expires_at: datetime | None
) -> tuple[list[dict[str, Any]], list[dict[str, UUID]]]:
    """Builds the rows of new tasks and of the dependencies between them."""
    ids = {task.name: new_id() for task in new}
    rows = [
        {"id": ids[task.name], "job_id": job_id, "position": position, "priority": priority, **_columns(task)}
        for position, task in enumerate(new, start=first_position)
    ]
    for row in rows:
        row["expires_at"] = expires_at if row["upstream_open"] == 0 else None
    links = [
        {"upstream": ids[upstream], "downstream": ids[task.name]}
        for task in new
        if task.after
        for upstream in dict.fromkeys(task.after)
    ]
    return rows, links


def _insert_tasks(
    connection: Connection,
    rows: Sequence[dict[str, Any]],
    links: Sequence[dict[str, UUID]],
    *,
    due: ColumnElement[datetime],
    stamped: Sequence[UUID] = (),
    at: ColumnElement[datetime] | None = None,
) -> None:
    ready = [row for row in rows if row["upstream_open"] == 0]
    if hinted := [row for row in ready if row["id"] in stamped]:
        connection.execute(insert(tasks).values(due_at=due, hinted_at=at, hints=1), hinted)
    if unhinted := [row for row in ready if row["id"] not in stamped]:
        connection.execute(insert(tasks).values(due_at=due), unhinted)
    if waiting := [row for row in rows if row["upstream_open"] > 0]:
        connection.execute(insert(tasks), waiting)
    if links:
        connection.execute(insert(dependencies), list(links))


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
    """Returns `run_at` if it is given, else now plus `delay_seconds`."""
    if job.run_at is not None:
        return literal(job.run_at, UtcDateTime())
    return later(job.delay_seconds or 0.0)
