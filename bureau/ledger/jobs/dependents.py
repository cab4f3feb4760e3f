"""How an ended task moves the rest of its job: dependents made ready or skipped.

Runs inside a transaction that holds the job's row lock, so that the counters below are exact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, select, update

from bureau.contracts.jobs.states import TaskState, When
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import dependencies, tasks
from bureau.ledger.jobs.policy import dependent_state


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
