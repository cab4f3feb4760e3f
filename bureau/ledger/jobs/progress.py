"""Writes the events and progress of running tasks; a worker's reporter sends them in batches."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import tasks
from bureau.ledger.jobs.events import TaskEvent, append
from bureau.ledger.jobs.leases import Held


def write_events(
    db: Database,
    by_job: Mapping[UUID, Sequence[TaskEvent]],
    progress: Mapping[Held, dict[str, Any]] = MappingProxyType({}),
) -> None:
    """Adds events to jobs that are still open, and keeps the last progress of each claim that holds its task."""
    if not progress and not any(by_job.values()):
        return
    with db.transaction() as connection:
        append(connection, by_job)
        if progress:
            _keep(connection, progress)


def _keep(connection: Connection, progress: Mapping[Held, dict[str, Any]]) -> None:
    connection.execute(
        update(tasks)
        .where(
            tasks.c.id == bindparam("task"),
            tasks.c.claim_no == bindparam("number"),
            tasks.c.state == TaskState.RUNNING,
        )
        .values(progress=bindparam("last")),
        [{"task": t, "number": n, "last": progress[t, n]} for t, n in sorted(progress)],
    )
