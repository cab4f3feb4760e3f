"""Lists the tasks that each worker runs now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import tasks

MOST = 1_000


@dataclass(frozen=True)
class AtWork:
    """A running task, and the start of its current attempt."""

    worker: str
    job_id: UUID
    run: str
    since: datetime | None


def at_work(db: Database) -> dict[str, list[AtWork]]:
    """Returns running tasks by worker, the longest first; at most MOST in all."""
    query = (
        select(tasks.c.worker, tasks.c.job_id, tasks.c.run, tasks.c.claimed_at)
        .where(tasks.c.state == TaskState.RUNNING)
        .order_by(tasks.c.claimed_at)
        .limit(MOST)
    )
    found: dict[str, list[AtWork]] = {}
    with db.read() as connection:
        for row in connection.execute(query):
            found.setdefault(row.worker or "", []).append(AtWork(*row))
    return found
