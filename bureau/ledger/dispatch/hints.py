"""Chooses which ready tasks get a hint now. The row decides; lost, duplicate or late hints only delay work."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    union_all,
    update,
)

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age, later, now
from bureau.ledger.db.tables import paused_queues, tasks
from bureau.ledger.dispatch.queues import is_paused
from bureau.ledger.jobs.retry_policy import HINT_AGAIN_SECONDS, PRIORITIES, rank, rehint_after


@dataclass(frozen=True)
class Hint:
    """Holds a message to publish: the task, its actor, and the stamp with which the publisher may take it back.

    `waited_seconds` is the time from the due time to the first hint; None for later hints.
    """

    task_id: UUID
    run: str
    stamp: datetime
    waited_seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class HintBatch:
    """Holds hints to publish; `more` means that the window had no room for the remaining due tasks."""

    hints: tuple[Hint, ...]
    more: bool


@dataclass(frozen=True)
class WindowUse:
    """Says whether a queue is paused, whether due tasks have no hint yet (`backlog`), and how many tasks have one.

    `hinted` counts hinted tasks that are not claimed yet, up to the window.
    """

    paused: bool
    backlog: bool
    hinted: int


def window_use(db: Database, queue: str, window: int) -> WindowUse:
    """Reads the use of a window, for a process that stamps the tasks it inserts.

    It takes no lock, so two processes may overdraw a window.
    """
    with db.read() as connection:
        paused, backlog, hinted = connection.execute(_WINDOW_USE, {"queue": queue, "most": window}).one()
    return WindowUse(bool(paused), bool(backlog), hinted)


def due_queues(db: Database, queues: Sequence[str]) -> list[str]:
    """Returns the `queues` with a due task that has no hint.

    It only reads, whereas `reserve_due` is a transaction with a lock.
    """
    with db.read() as connection:
        return [queue for queue in queues if connection.execute(_ANY_DUE, {"queue": queue}).scalar_one()]


def reserve_due(db: Database, queue: str, window: int, runs: Collection[str] | None = None) -> HintBatch:
    """Stamps due tasks of a queue, as many as the window has room for, in the order of their rank.

    `runs` names the tasks that the queue's live workers have: all others wait without a hint and take no room. None
    means all tasks.

    A lock, held around count and update only, allows one pass a queue at a time. Rows that others have locked are
    skipped, so that waits for the relay's rows form no cycle; such a task was claimed or cancelled, or the next pass
    stamps it.
    """
    with db.transaction() as connection:
        db.lock_queue(connection, f"relay.{queue}")
        if is_paused(connection, queue):
            return HintBatch((), more=False)
        hinted = select(func.count()).where(
            tasks.c.queue == queue, tasks.c.state == TaskState.READY, tasks.c.hinted_at.is_not(None)
        )
        if runs is not None:
            hinted = hinted.where(tasks.c.run.in_(runs))
        room = max(window - connection.execute(hinted).scalar_one(), 0)
        due = _first_due(connection, queue, room + 1, runs)
        stamped = _stamp(connection, due[:room])
    rows = sorted(stamped, key=lambda row: rank(row.priority, row.due_at))
    return HintBatch(tuple(_hint(row) for row in rows), more=len(due) > room)


def _hint(row: Row[Any]) -> Hint:
    return Hint(row.id, row.run, row.hinted_at, max(0.0, row.waited) if row.hints == 1 else None)


def _due(priority: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    return select(tasks.c.id, tasks.c.priority, tasks.c.due_at).where(
        tasks.c.queue == bindparam("queue"),
        tasks.c.priority == priority,
        tasks.c.state == TaskState.READY,
        tasks.c.hinted_at.is_(None),
        tasks.c.due_at <= now(),
        *conditions,
    )


def _oldest(priority: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    most = bindparam("most", type_=Integer())
    return select(_due(priority, *conditions).order_by(tasks.c.due_at).limit(most).subquery())


# Built once. Each priority has its own query, so that each reads the index and skips tasks that are due later.
_OLDEST_OF_EACH = union_all(*(_oldest(priority) for priority in PRIORITIES))
_OLDEST_SERVED = union_all(
    *(_oldest(priority, tasks.c.run.in_(bindparam("runs", expanding=True))) for priority in PRIORITIES)
)
_ANY_DUE = select(or_(*(_due(priority).exists() for priority in PRIORITIES)))

_HINTED = (
    select(tasks.c.id)
    .where(tasks.c.queue == bindparam("queue"), tasks.c.state == TaskState.READY, tasks.c.hinted_at.is_not(None))
    .limit(bindparam("most", type_=Integer()))
    .subquery()
)
_WINDOW_USE = select(
    exists().where(paused_queues.c.queue == bindparam("queue")),
    or_(*(_due(priority).exists() for priority in PRIORITIES)),
    select(func.count()).select_from(_HINTED).scalar_subquery(),
)


def _first_due(connection: Connection, queue: str, limit: int, runs: Collection[str] | None) -> list[UUID]:
    """Returns the first due tasks by rank: it reads the oldest of each priority and takes the first of those."""
    given: dict[str, Any] = {"queue": queue, "most": limit}
    if runs is None:
        rows = connection.execute(_OLDEST_OF_EACH, given).all()
    else:
        rows = connection.execute(_OLDEST_SERVED, {**given, "runs": list(runs)}).all()
    return [row.id for row in sorted(rows, key=lambda row: rank(row.priority, row.due_at))[:limit]]


def _stamp(connection: Connection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    if not ids:
        return []
    unhinted = [tasks.c.state == TaskState.READY, tasks.c.hinted_at.is_(None)]
    free = select(tasks.c.id).where(tasks.c.id.in_(ids), *unhinted).with_for_update(skip_locked=True, key_share=True)
    return connection.execute(
        update(tasks)
        .where(tasks.c.id.in_(connection.execute(free).scalars().all()), *unhinted)
        .values(hinted_at=now(), hints=tasks.c.hints + 1)
        .returning(
            tasks.c.id,
            tasks.c.run,
            tasks.c.hinted_at,
            tasks.c.hints,
            tasks.c.priority,
            tasks.c.due_at,
            age(tasks.c.due_at).label("waited"),
        )
    ).all()


def unreserve(db: Database, hints: Sequence[Hint]) -> None:
    """Takes stamps back after publishing failed, so the tasks have no hint; skips stamps of another publisher."""
    if not hints:
        return
    with db.transaction() as connection:
        connection.execute(
            update(tasks)
            .where(
                tasks.c.id == bindparam("task_id"),
                tasks.c.hinted_at == bindparam("stamp", type_=tasks.c.hinted_at.type),
                tasks.c.state == TaskState.READY,
            )
            .values(hinted_at=None, hints=tasks.c.hints - 1),
            [{"task_id": hint.task_id, "stamp": hint.stamp} for hint in sorted(hints, key=lambda hint: hint.task_id)],
        )


def requeue_lost(db: Database, empty_queues: Sequence[str], *, empty_at_most_seconds: float = 60.0) -> int:
    """Clears lost hints, not claimed for 30 s x 2^hints (an hour at most), to be published again. Returns how many.

    A minute is enough for `empty_queues`, which have a live worker and no waiting message.
    """
    waited = age(tasks.c.hinted_at)
    overdue = or_(
        *(and_(tasks.c.hints <= hints, waited > rehint_after(hints)) for hints in range(1, 8)), waited > rehint_after(8)
    )
    if empty_queues:
        overdue = or_(overdue, and_(tasks.c.queue.in_(empty_queues), waited > empty_at_most_seconds))
    free = (
        select(tasks.c.id)
        .where(tasks.c.state == TaskState.READY, tasks.c.hinted_at < later(-HINT_AGAIN_SECONDS), overdue)
        .with_for_update(skip_locked=True, key_share=True)
    )
    with db.transaction() as connection:
        lost = connection.execute(update(tasks).where(tasks.c.id.in_(free)).values(hinted_at=None))
    return lost.rowcount


def forget_all(db: Database) -> None:
    """Removes all stamps at an embedded start: the messages of the previous process are gone with it."""
    with db.transaction() as connection:
        connection.execute(
            update(tasks).where(tasks.c.state == TaskState.READY, tasks.c.hinted_at.is_not(None)).values(hinted_at=None)
        )
