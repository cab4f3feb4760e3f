"""Tasks that something outside holds up: they were put off and wait for it to come back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from bureau.contracts.states import TaskState
from bureau.ledger.database import Database
from bureau.ledger.tables import tasks


@dataclass(frozen=True)
class HeldUp:
    """How many tasks of a queue were put off with the same code, and since when the first of them."""

    queue: str
    code: str
    since: datetime
    count: int


def held_up(db: Database) -> list[HeldUp]:
    """By queue. An index holds only tasks that were put off."""
    code = tasks.c.error["code"].as_string()
    query = (
        select(tasks.c.queue, code.label("code"), func.min(tasks.c.postponed_since).label("since"), func.count())
        .where(tasks.c.postponed_since.is_not(None), tasks.c.state == TaskState.READY)
        .group_by(tasks.c.queue, code)
        .order_by(tasks.c.queue)
    )
    with db.read() as connection:
        return [HeldUp(row[0], row[1] or "", row[2], row[3]) for row in connection.execute(query)]
