"""Retries an ended job when a person asks: tasks that did not succeed run again, results of the others are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, update

from bureau.contracts.jobs.states import JobState, TaskState, When
from bureau.ledger.access import audit
from bureau.ledger.access.audit import Act
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import artifacts, dependencies, jobs, tasks
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.locked_job import LockedJob, lock_job
from bureau.ledger.jobs.retry_policy import dependent_state


class Retrying(StrEnum):
    """Says what a retry found."""

    RETRIED = "retried"
    NOT_ENDED = "not_ended"
    SUCCEEDED = "succeeded"  # nothing to run again


@dataclass(frozen=True)
class EndedTask:
    """Holds the data of a task that the plan needs."""

    id: UUID
    state: TaskState
    when: When
    upstream: frozenset[UUID]


@dataclass(frozen=True)
class RestartedTask:
    """Holds how a task begins again: ready, or waiting with its counters."""

    state: TaskState
    upstream_open: int
    upstream_unsuccessful: int


@dataclass(frozen=True)
class RetryPlan:
    """Holds the tasks that run again (`begun`) and those whose conditions cannot come true this time either."""

    begun: dict[UUID, RestartedTask]
    skipped: set[UUID]


def plan(ended: Iterable[EndedTask]) -> RetryPlan:
    """Decides which tasks that did not succeed run again. It is a pure function."""
    by_id = {task.id: task for task in ended}
    again = {task.id for task in by_id.values() if task.state is not TaskState.SUCCEEDED}
    skipped: set[UUID] = set()
    while True:
        begun = {task_id: _begin(by_id[task_id], by_id, again) for task_id in again}
        cannot = {task_id for task_id, start in begun.items() if start.state is TaskState.SKIPPED}
        if not cannot:
            return RetryPlan(begun, skipped)
        again -= cannot
        skipped |= cannot


def _begin(task: EndedTask, by_id: Mapping[UUID, EndedTask], again: set[UUID]) -> RestartedTask:
    upstream_open = len(task.upstream & again)
    unsuccessful = sum(
        by_id[upstream].state is not TaskState.SUCCEEDED for upstream in task.upstream if upstream not in again
    )
    state = dependent_state(task.when, upstream_open, 0, unsuccessful) if task.upstream else TaskState.READY
    return RestartedTask(state, upstream_open, unsuccessful)


def retry(
    db: Database, job_id: UUID, owner: str, noted: Act | None = None, *, delay_seconds: float = 0.0
) -> Retrying | None:
    """Starts the tasks that did not succeed again in `delay_seconds`. Returns None if the owner has no such job.

    `noted` is written to the audit log if the job is retried.
    """
    with db.transaction() as connection:
        job = lock_job(connection, job_id)
        if job is None or job.owner != owner:
            return None
        if job.row.state == JobState.OPEN:
            return Retrying.NOT_ENDED
        if job.row.state == JobState.SUCCEEDED:
            return Retrying.SUCCEEDED
        planned = plan(_ended_tasks(job))
        for task_id in sorted(planned.begun):
            _begin_again(job, task_id, planned.begun[task_id], delay_seconds)
        _skip(job, planned.skipped)
        _reopen(job, len(planned.begun))
        if noted:
            audit.note(connection, noted)
    return Retrying.RETRIED


def _ended_tasks(job: LockedJob) -> list[EndedTask]:
    rows = job.connection.execute(
        select(tasks.c.id, tasks.c.state, tasks.c.when)
        .where(tasks.c.job_id == job.id)
        .order_by(tasks.c.id)
        .with_for_update()
    ).all()
    links = job.connection.execute(
        select(dependencies).join(tasks, tasks.c.id == dependencies.c.downstream).where(tasks.c.job_id == job.id)
    ).all()
    upstream: dict[UUID, set[UUID]] = {row.id: set() for row in rows}
    for link in links:
        upstream[link.downstream].add(link.upstream)
    return [EndedTask(row.id, TaskState(row.state), When(row.when), frozenset(upstream[row.id])) for row in rows]


def _begin_again(job: LockedJob, task_id: UUID, start: RestartedTask, delay_seconds: float) -> None:
    name = job.connection.execute(
        update(tasks)
        .where(tasks.c.id == task_id)
        .values(
            state=start.state,
            due_at=later(delay_seconds) if start.state is TaskState.READY else None,
            upstream_open=start.upstream_open,
            upstream_failed=0,
            upstream_unsuccessful=start.upstream_unsuccessful,
            expires_at=None,
            hinted_at=None,
            hints=0,
            worker=None,
            stop_requested_at=None,
            failures=0,
            crashes=0,
            postponed_since=None,
            progress=None,
            error=None,
            finished_at=None,
        )
        .returning(tasks.c.name)
    ).scalar_one()
    job.add_events([TaskEvent("task.retrying", name, {"by": "request", "delay_seconds": delay_seconds})])


def _skip(job: LockedJob, skipped: set[UUID]) -> None:
    """Marks them as skipped: those that were cancelled would make the job cancelled though all others succeed."""
    if skipped:
        job.connection.execute(
            update(tasks)
            .where(tasks.c.id.in_(sorted(skipped)))
            .values(state=TaskState.SKIPPED, error=None, stop_requested_at=None)
        )


def _reopen(job: LockedJob, begun: int) -> None:
    """Opens the job again without its `expires_at`, because a person who retries it wants it to run.

    With no task to begin, the job ends again at once. Its files are kept; their expiry follows from its new end.
    """
    job.connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id)
        .values(state=JobState.OPEN, finished_at=None, error=None, cancel_requested_at=None, expires_at=None)
    )
    job.connection.execute(update(artifacts).where(artifacts.c.job_id == job.id).values(expires_at=None))
    job.reopened(begun)
    job.write()
