"""How an ended task moves the rest of its job: dependents made ready or skipped, the job's own end.

Runs inside a transaction that holds the job's row lock, so that the counters below are exact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, func, select, update

from bureau.contracts.states import JobState, TaskState, When
from bureau.ledger.clock import now
from bureau.ledger.decide import dependent_state, job_end
from bureau.ledger.events import Event, append
from bureau.ledger.tables import dependencies, jobs, tasks


@dataclass
class Released:
    """How many dependents became ready, and how many can no longer run."""

    ready: int = 0
    skipped: int = 0


def release_dependents(connection: Connection, ended: Sequence[tuple[UUID, TaskState]]) -> Released:
    """Tells the dependents of ended tasks; a skipped dependent ends too, so its own are told in turn."""
    released = Released()
    wave = list(ended)
    while wave:
        told = _tell(connection, wave)
        decided = [
            (row, dependent_state(When(row.when), row.upstream_open, row.upstream_failed, row.upstream_unsuccessful))
            for row in told
        ]
        ready = [row.id for row, state in decided if state is TaskState.READY]
        wave = [(row.id, state) for row, state in decided if state is TaskState.SKIPPED]
        if ready:
            connection.execute(update(tasks).where(tasks.c.id.in_(ready)).values(state=TaskState.READY, due_at=now()))
        if wave:
            skipped = [task_id for task_id, _ in wave]
            connection.execute(
                update(tasks).where(tasks.c.id.in_(skipped)).values(state=TaskState.SKIPPED, finished_at=now())
            )
        released.ready += len(ready)
        released.skipped += len(wave)
    return released


def _tell(connection: Connection, ended: Sequence[tuple[UUID, TaskState]]) -> list[Row[Any]]:
    """Counts the ended tasks down in each waiting dependent; those rows, once each, with their new counters."""
    links = connection.execute(
        select(dependencies.c.upstream, dependencies.c.downstream).where(
            dependencies.c.upstream.in_([task_id for task_id, _ in ended])
        )
    ).all()
    if not links:
        return []
    states = dict(ended)
    closed = Counter(link.downstream for link in links)
    failed = Counter(link.downstream for link in links if states[link.upstream] is TaskState.FAILED)
    unsuccessful = Counter(link.downstream for link in links if states[link.upstream] is not TaskState.SUCCEEDED)
    return list(
        connection.execute(
            update(tasks)
            .where(tasks.c.id.in_(closed), tasks.c.state == TaskState.WAITING)
            .values(
                upstream_open=tasks.c.upstream_open - _by_id(closed),
                upstream_failed=tasks.c.upstream_failed + _by_id(failed),
                upstream_unsuccessful=tasks.c.upstream_unsuccessful + _by_id(unsuccessful),
            )
            .returning(
                tasks.c.id,
                tasks.c.when,
                tasks.c.upstream_open,
                tasks.c.upstream_failed,
                tasks.c.upstream_unsuccessful,
            )
        ).all()
    )


def _by_id(counts: Counter[UUID]) -> Any:
    """The count of a row's id as an SQL expression; 0 where it has none."""
    return case(counts, value=tasks.c.id, else_=0) if counts else 0


def end_job_if_done(connection: Connection, job_id: UUID, *, ended: int) -> None:
    """Counts ended tasks off the job and ends it when none is left. A job that was deleted is left alone."""
    open_tasks = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == JobState.OPEN)
        .values(open_tasks=jobs.c.open_tasks - ended)
        .returning(jobs.c.open_tasks)
    ).scalar_one_or_none()
    if open_tasks != 0:
        return
    counted = connection.execute(
        select(tasks.c.state, tasks.c.optional, func.count().label("n"))
        .where(tasks.c.job_id == job_id)
        .group_by(tasks.c.state, tasks.c.optional)
    )
    state = job_end({(TaskState(row.state), row.optional): row.n for row in counted})
    error = _job_error(connection, job_id, state)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(state=state, finished_at=now(), error=error))
    append(connection, job_id, [Event("job.finished", data={"state": state, "error": error})])


def _job_error(connection: Connection, job_id: UUID, state: JobState) -> dict[str, Any] | None:
    """The error of the task that ended the job this way first, with the task's name."""
    if state is JobState.SUCCEEDED:
        return None
    row = connection.execute(
        select(tasks.c.name, tasks.c.error)
        .where(
            tasks.c.job_id == job_id,
            tasks.c.state == state.value,
            tasks.c.optional.is_(False) if state is JobState.FAILED else tasks.c.error.is_not(None),
        )
        .order_by(tasks.c.finished_at, tasks.c.position)
        .limit(1)
    ).one_or_none()
    return {**row.error, "task": row.name} if row and row.error else None
