"""What a job's own page shows beside the job: how its tasks were declared, what happened last."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import events, jobs, tasks
from bureau.ledger.reads.event_history import Happened


@dataclass(frozen=True)
class Declared:
    """A task as it was submitted."""

    name: str
    run: str
    input: dict[str, Any]
    after: list[str]
    when: str
    optional: bool


def declared(db: Database, job_id: UUID, owner: str) -> list[Declared]:
    """The job's tasks in order; none where there is no such job of this owner."""
    columns = (tasks.c.name, tasks.c.run, tasks.c.input, tasks.c.after, tasks.c.when, tasks.c.optional)
    query = select(*columns).join(jobs, jobs.c.id == tasks.c.job_id)
    query = query.where(tasks.c.job_id == job_id, jobs.c.owner == owner).order_by(tasks.c.position)
    with db.read() as connection:
        return [Declared(*row) for row in connection.execute(query)]


def last_events(db: Database, job_id: UUID, *, limit: int) -> list[Happened]:
    """Of a job whose owner was checked: the last ones, the oldest of them first.

    Without progress, which a long task tells twice a second: of it the last word counts, and that is the task's.
    """
    query = select(events).where(events.c.job_id == job_id, events.c.type != "task.progressed")
    query = query.order_by(events.c.seq.desc()).limit(limit)
    with db.read() as connection:
        rows = connection.execute(query).all()
    return [Happened(row.job_id, row.seq, row.type, row.at, row.task, row.data) for row in reversed(rows)]
