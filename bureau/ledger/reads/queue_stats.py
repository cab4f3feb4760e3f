"""Counts each queue's open tasks and live workers, for operators and the doctor."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age, now
from bureau.ledger.db.tables import tasks
from bureau.ledger.dispatch.queues import paused
from bureau.ledger.dispatch.workers import QueueWorkers, served
from bureau.ledger.reads.queue_trouble import QueueTrouble, queue_trouble

UNSERVED = QueueWorkers(workers=0, threads=0, busy=0, claimed=0)
_NUMBERS = (
    "waiting",
    "later",
    "retrying",
    "due",
    "hinted",
    "running",
    "expired",
    "oldest_due_seconds",
    "oldest_hint_seconds",
)


@dataclass(frozen=True)
class QueueSurvey:
    """A queue's open tasks, and the live workers that serve it. Ages are in seconds."""

    queue: str
    waiting: int
    later: int
    retrying: int  # those of `later` that had an attempt before
    due: int
    hinted: int
    running: int
    expired: int  # running on a lease that ended
    oldest_due_seconds: float
    oldest_hint_seconds: float
    served: QueueWorkers
    paused_at: datetime | None

    @property
    def trouble(self) -> QueueTrouble | None:
        """What is wrong with the queue, or None."""
        return queue_trouble(
            paused=self.paused_at is not None,
            due=self.due,
            running=self.running,
            workers=self.served.workers,
            oldest_due_seconds=self.oldest_due_seconds,
        )


def survey(db: Database) -> list[QueueSurvey]:
    """Returns every queue that is paused, has a live worker or an open task, by name."""
    live, stopped = served(db), paused(db)
    ready = tasks.c.state == TaskState.READY
    due = ready & (tasks.c.due_at <= now())
    running = tasks.c.state == TaskState.RUNNING
    query = (
        select(
            tasks.c.queue,
            _count(tasks.c.state == TaskState.WAITING).label("waiting"),
            _count(ready & (tasks.c.due_at > now())).label("later"),
            _count(ready & (tasks.c.due_at > now()) & (tasks.c.claim_no > 0)).label("retrying"),
            _count(due).label("due"),
            _count(due & tasks.c.hinted_at.is_not(None)).label("hinted"),
            _count(running).label("running"),
            _count(running & (tasks.c.lease_until < now())).label("expired"),
            func.max(case((due, age(tasks.c.due_at)), else_=0.0)).label("oldest_due_seconds"),
            func.max(case((due & tasks.c.hinted_at.is_not(None), age(tasks.c.hinted_at)), else_=0.0)).label(
                "oldest_hint_seconds"
            ),
        )
        .where(tasks.c.state.in_((TaskState.WAITING, TaskState.READY, TaskState.RUNNING)))
        .group_by(tasks.c.queue)
    )
    with db.read() as connection:
        rows = {row.queue: row._asdict() for row in connection.execute(query)}
    nothing = dict.fromkeys(_NUMBERS, 0)
    return [
        QueueSurvey(
            **{"queue": queue, **nothing, **rows.get(queue, {})},
            served=live.get(queue, UNSERVED),
            paused_at=stopped.get(queue),
        )
        for queue in sorted(rows.keys() | live.keys() | stopped.keys())
    ]


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def hint_again(db: Database) -> int:
    """Marks every hint as lost, for the doctor. A hint that is published twice claims nothing the second time."""
    with db.transaction() as connection:
        forgotten = connection.execute(
            update(tasks)
            .where(tasks.c.state == TaskState.READY, tasks.c.hinted_at.is_not(None))
            .values(hinted_at=None, hints=0)
        )
    return forgotten.rowcount
