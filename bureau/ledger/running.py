"""What a running task says meanwhile: log lines and progress, written in batches by its worker's heartbeat."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from bureau.contracts.states import TaskState
from bureau.ledger.database import Database
from bureau.ledger.events import Event, append
from bureau.ledger.leases import Held
from bureau.ledger.tables import tasks


def write_events(db: Database, by_job: Mapping[UUID, Sequence[Event]]) -> None:
    """Adds events to jobs, in the order of their ids: the same lock order in every process."""
    if not by_job:
        return
    with db.transaction() as connection:
        for job_id in sorted(by_job):
            append(connection, job_id, by_job[job_id])


def write_progress(db: Database, progress: Mapping[Held, dict[str, Any]]) -> None:
    """Keeps the last progress of each claim that still holds its task."""
    if not progress:
        return
    with db.transaction() as connection:
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
