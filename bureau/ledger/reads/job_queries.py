"""Reads jobs for the API. Every query is scoped by owner, so that another owner's job does not exist."""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, tuple_
from sqlalchemy.sql.selectable import Select

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age
from bureau.ledger.db.tables import events, jobs, tasks
from bureau.ledger.dispatch import workers
from bureau.ledger.files import artifacts
from bureau.ledger.jobs.many.job_filter import JobFilter as JobFilter
from bureau.ledger.jobs.many.job_filter import conditions
from bureau.ledger.mail import recipient_status
from bureau.ledger.reads.attempts import RecordedAttempt, attempts_by_task
from bureau.ledger.reads.job_views import (
    JobView,
    TaskView,
    attempt_number,
    attempts_of,
    counts_of,
    job_progress,
    job_state,
    meta_of,
    with_percent,
)
from bureau.ledger.reads.queue_position import state_of, why_waiting

INLINE_TASKS = 100
LOG_LINES = 200  # of each task, the last ones


@dataclass(frozen=True)
class JobRow:
    """A job in a list."""

    id: UUID
    kind: str
    title: str
    tags: list[str]
    state: str
    priority: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    counts: dict[str, int]
    error: dict[str, Any] | None
    progress: dict[str, Any] | None
    attempts: int  # the most that any of its tasks has had


def job(
    db: Database,
    job_id: UUID,
    owner: str,
    served: Container[tuple[str, str]] | None = None,
    *,
    tracebacks: bool = False,
) -> JobView | None:
    """Returns the whole job, or None where this owner has no such job.

    `served` holds the pairs of queue and task that live workers announce, to say whether the job waits for a worker.
    `tracebacks`: the reader may see those of its attempts.
    """
    live = workers.served(db)
    with db.read() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner)).one_or_none()
        if row is None:
            return None
        briefs = connection.execute(_brief().where(tasks.c.job_id == job_id).order_by(tasks.c.position)).all()
        shown = _task_views(connection, job_id, after_position=-1, limit=INLINE_TASKS, tracebacks=tracebacks)
        files = artifacts.of_job(connection, job_id)
        wait = why_waiting(connection, row, briefs, live, served)
    states = [state_of(brief) for brief in briefs]
    counts = counts_of(states)
    started = min((brief.started_at for brief in briefs if brief.started_at), default=None)
    return JobView(
        id=row.id,
        kind=row.kind,
        title=row.title,
        tags=row.tags,
        state=job_state(row.state, counts, started=started is not None),
        priority=row.priority,
        created_at=row.created_at,
        run_at=row.run_at,
        started_at=started,
        finished_at=row.finished_at,
        cancel_requested_at=row.cancel_requested_at,
        progress=job_progress(briefs, len(briefs)),
        waiting=wait.shown() if wait else None,
        counts=counts,
        tasks=shown,
        artifacts=files,
        error=row.error,
    )


def tasks_of(
    db: Database, job_id: UUID, owner: str, *, after_position: int, limit: int, tracebacks: bool = False
) -> list[TaskView] | None:
    """Returns the job's tasks after a position, in order; None where this owner has no such job."""
    with db.read() as connection:
        mine = connection.execute(select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.owner == owner)).one_or_none()
        if mine is None:
            return None
        return _task_views(connection, job_id, after_position=after_position, limit=limit, tracebacks=tracebacks)


def jobs_of(
    db: Database,
    owner: str,
    wanted: JobFilter,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
    among: int | None = None,
) -> list[JobRow]:
    """Returns jobs, the newest first, older than `before`: (created_at, id) of the last one seen.

    `among` limits the search to that many of the owner's newest jobs, or the newest before the filter's
    `created_before`: it bounds the cost of a filter without an index.
    """
    query = select(jobs).where(jobs.c.owner == owner, *conditions(wanted))
    if among is not None:
        query = query.where(jobs.c.created_at >= _oldest_among(db, owner, among, wanted.created_before))
    if before is not None:
        place = (jobs.c.created_at, jobs.c.id)
        query = query.where(tuple_(*place) < tuple_(*before, types=[column.type for column in place]))
    return _job_rows(db, query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit))


def jobs_by_id(db: Database, owner: str, ids: Sequence[UUID]) -> list[JobRow]:
    """Returns the owner's jobs of these ids, in the order of `ids`, without those that do not exist."""
    found = {row.id: row for row in _job_rows(db, select(jobs).where(jobs.c.owner == owner, jobs.c.id.in_(ids)))}
    return [found[job_id] for job_id in ids if job_id in found]


def _oldest_among(db: Database, owner: str, newest: int, created_before: datetime | None) -> datetime:
    """Selects the creation time of the oldest of the owner's `newest` jobs, or of the newest before a time."""
    created = (
        select(jobs.c.created_at)
        .where(jobs.c.owner == owner)
        .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        .offset(newest - 1)
        .limit(1)
    )
    if created_before is not None:
        created = created.where(jobs.c.created_at < created_before)
    with db.read() as connection:
        found: datetime | None = connection.execute(created).scalar_one_or_none()
    return found or datetime.min.replace(tzinfo=UTC)


def _job_rows(db: Database, query: Select[Any]) -> list[JobRow]:
    with db.read() as connection:
        rows = connection.execute(query).all()
        briefs: dict[UUID, list[Row[Any]]] = defaultdict(list)
        for brief in connection.execute(_brief().where(tasks.c.job_id.in_([row.id for row in rows]))):
            briefs[brief.job_id].append(brief)
    return [_job_row(row, briefs[row.id]) for row in rows]


def ended(db: Database, job_id: UUID) -> bool:
    """Returns whether the job has ended or no longer exists."""
    with db.read() as connection:
        state = connection.execute(select(jobs.c.state).where(jobs.c.id == job_id)).scalar_one_or_none()
    return state != JobState.OPEN


def _brief() -> Select[Any]:
    """Selects what every task of a job needs here, without inputs and results."""
    return select(
        tasks.c.id,
        tasks.c.job_id,
        tasks.c.state,
        tasks.c.claim_no,
        tasks.c.run,
        tasks.c.queue,
        tasks.c.started_at,
        tasks.c.due_at,
        tasks.c.progress,
        age(tasks.c.due_at).label("overdue"),
    )


def _job_row(row: Row[Any], briefs: Sequence[Row[Any]]) -> JobRow:
    counts = counts_of([state_of(brief) for brief in briefs])
    started = min((brief.started_at for brief in briefs if brief.started_at), default=None)
    return JobRow(
        id=row.id,
        kind=row.kind,
        title=row.title,
        tags=row.tags,
        state=job_state(row.state, counts, started=started is not None),
        priority=row.priority,
        created_at=row.created_at,
        started_at=started,
        finished_at=row.finished_at,
        counts=counts,
        error=row.error,
        progress=job_progress(briefs, len(briefs)),
        attempts=max((brief.claim_no for brief in briefs), default=0),
    )


def _task_views(
    connection: Connection, job_id: UUID, *, after_position: int, limit: int, tracebacks: bool
) -> list[TaskView]:
    rows = connection.execute(
        select(tasks, age(tasks.c.due_at).label("overdue"))
        .where(tasks.c.job_id == job_id, tasks.c.position > after_position)
        .order_by(tasks.c.position)
        .limit(limit)
    ).all()
    recorded = attempts_by_task(connection, [row.id for row in rows], tracebacks=tracebacks)
    logs = _logs(connection, job_id, {row.name for row in rows})
    mails = recipient_status.of_tasks(connection, rows)
    return [_task_view(row, recorded.get(row.id, ()), logs[row.name], mails.get(row.id, [])) for row in rows]


def _logs(connection: Connection, job_id: UUID, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Returns the last log lines of each task, the oldest first."""
    newest = func.row_number().over(partition_by=events.c.task, order_by=events.c.seq.desc()).label("newest")
    numbered = (
        select(events.c.task, events.c.at, events.c.data, events.c.seq, newest)
        .where(events.c.job_id == job_id, events.c.type == "task.logged", events.c.task.in_(list(names)))
        .subquery()
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in connection.execute(select(numbered).where(numbered.c.newest <= LOG_LINES).order_by(numbered.c.seq)):
        found[row.task].append({"at": row.at, "line": row.data["line"]})
    return found


def _task_view(row: Row[Any], recorded: Sequence[RecordedAttempt], logs: list[Any], mail: list[Any]) -> TaskView:
    state = state_of(row)
    return TaskView(
        id=row.id,
        position=row.position,
        name=row.name,
        run=row.run,
        queue=row.queue,
        state=state,
        input=row.input,
        after=row.after,
        attempt=attempt_number(row.failures, row.claim_no),
        max_attempts=row.max_attempts,
        due_at=row.due_at if state in ("scheduled", "retrying", "queued") else None,
        worker=row.worker,
        hinted_at=row.hinted_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=with_percent(row.progress),
        meta=meta_of(row.progress),
        attempts=attempts_of(row, recorded),
        logs=logs,
        result=row.result,
        error=row.error,
        attempt_number=row.claim_no,
        mail=mail,
    )
