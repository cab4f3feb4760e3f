"""Why a job fails, as a task of the same job asks it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import tasks


@dataclass(frozen=True)
class Failure:
    """The first task of a job that failed; `message` is for people."""

    task: str
    code: str
    message: str


def first_failure(db: Database, job_id: UUID) -> Failure | None:
    """Raises `LedgerUnavailable`."""
    query = (
        select(tasks.c.name, tasks.c.error)
        .where(tasks.c.job_id == job_id, tasks.c.state == TaskState.FAILED)
        .order_by(tasks.c.finished_at, tasks.c.id)
        .limit(1)
    )
    with db.read() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    error = row.error or {}
    return Failure(row.name, str(error.get("code", "")), str(error.get("message", "")))
