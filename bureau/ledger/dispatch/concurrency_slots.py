"""Limits how many running tasks use a resource at once (a semaphore), counted in the ledger across all processes.

A slot belongs to a claim: the task gives it back when its work is done, and it no longer counts once the claim has
ended, however its process ended. So a slot needs no lease of its own, and a crash needs no cleanup.
"""

from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import slots, tasks

_held = exists().where(
    tasks.c.id == slots.c.task_id, tasks.c.claim_no == slots.c.claim_no, tasks.c.state == TaskState.RUNNING
)


def take(db: Database, name: str, at_a_time: int, *, task_id: UUID, claim_no: int) -> bool:
    """Takes a slot of `name` for this claim. Returns whether one was free. Raises `LedgerUnavailable`."""
    with db.transaction() as connection:
        db.lock_queue(connection, f"slots.{name}")
        connection.execute(delete(slots).where(slots.c.name == name, ~_held))
        taken = connection.execute(select(func.count()).select_from(slots).where(slots.c.name == name)).scalar_one()
        if taken >= at_a_time:
            return False
        connection.execute(insert(slots).values(name=name, task_id=task_id, claim_no=claim_no, taken_at=now()))
        return True


def give_back(db: Database, name: str, *, task_id: UUID, claim_no: int) -> None:
    """Gives the slot back. Raises `LedgerUnavailable`; then the slot becomes free when the claim ends."""
    with db.transaction() as connection:
        connection.execute(
            delete(slots).where(slots.c.name == name, slots.c.task_id == task_id, slots.c.claim_no == claim_no)
        )
