"""Deliveries: a mail's intent is written before it is handed over, its end after. So it is handed over once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age, now
from bureau.ledger.db.tables import deliveries, tasks
from bureau.ledger.mail import provider_events


class DeliveryState(StrEnum):
    """How an attempt to hand a mail over stands."""

    OPEN = "open"  # the intent: it may be under way, or its sender died
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # it may or may not have been handed over


@dataclass(frozen=True)
class MailDelivery:
    """The nth try of a task's mail. `recipients`: address to open, sent, refused, deferred or unknown."""

    n: int
    message_id: str
    transport: str
    state: DeliveryState
    recipients: dict[str, str]
    age_seconds: float
    response: str | None


class ClaimLost(Exception):
    """The task is no longer this claim's: nothing may be sent."""


class OpenIntent(Exception):
    """An earlier try has not ended: it may be under way."""

    def __init__(self, delivery: MailDelivery) -> None:
        super().__init__(f"delivery {delivery.n} is open")
        self.delivery = delivery


def history(db: Database, task_id: UUID) -> list[MailDelivery]:
    """All tries of a task, the first one first."""
    with db.read() as connection:
        return _history(connection, task_id)


def _history(connection: Connection, task_id: UUID) -> list[MailDelivery]:
    rows = connection.execute(
        select(deliveries, age(deliveries.c.opened_at).label("age_seconds"))
        .where(deliveries.c.task_id == task_id)
        .order_by(deliveries.c.n)
    )
    return [_delivery(row) for row in rows]


def _delivery(row: Row[Any]) -> MailDelivery:
    return MailDelivery(
        n=row.n,
        message_id=row.message_id,
        transport=row.transport,
        state=DeliveryState(row.state),
        recipients=dict(row.recipients),
        age_seconds=float(row.age_seconds),
        response=row.response,
    )


def open_delivery(
    db: Database, *, task_id: UUID, claim_no: int, message_id: str, transport: str, recipients: Sequence[str]
) -> MailDelivery:
    """Writes the intent under the task row's lock. Raises `ClaimLost`, `OpenIntent`, `LedgerUnavailable`."""
    with db.transaction() as connection:
        if not _still_claimed(connection, task_id, claim_no):
            raise ClaimLost
        before = _history(connection, task_id)
        if before and before[-1].state is DeliveryState.OPEN:
            raise OpenIntent(before[-1])
        n = len(before) + 1
        open_recipients = dict.fromkeys(recipients, "open")
        connection.execute(
            insert(deliveries).values(
                task_id=task_id,
                n=n,
                message_id=message_id,
                transport=transport,
                state=DeliveryState.OPEN,
                recipients=open_recipients,
                opened_at=now(),
            )
        )
    return MailDelivery(n, message_id, transport, DeliveryState.OPEN, open_recipients, 0.0, None)


def move_delivery(db: Database, *, task_id: UUID, claim_no: int, n: int, transport: str) -> bool:
    """Gives an open try to another transport, the claim checked as when it was opened. False: it must not go on."""
    with db.transaction() as connection:
        if not _still_claimed(connection, task_id, claim_no):
            return False
        moved = connection.execute(
            update(deliveries)
            .where(deliveries.c.task_id == task_id, deliveries.c.n == n, deliveries.c.state == DeliveryState.OPEN)
            .values(transport=transport)
        )
    return moved.rowcount > 0


def _still_claimed(connection: Connection, task_id: UUID, claim_no: int) -> bool:
    """Whether the task is this claim's and may go on; its row stays locked until the end of the transaction."""
    claimed = connection.execute(
        select(tasks.c.id)
        .where(
            tasks.c.id == task_id,
            tasks.c.claim_no == claim_no,
            tasks.c.state == TaskState.RUNNING,
            tasks.c.stop_requested_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()
    return claimed is not None


def close_delivery(
    db: Database, *, task_id: UUID, n: int, state: DeliveryState, recipients: Mapping[str, str], response: str | None
) -> bool:
    """Writes the end once, fenced by nothing: what happened outside happened. False: somebody was first."""
    with db.transaction() as connection:
        closed = connection.execute(
            update(deliveries)
            .where(deliveries.c.task_id == task_id, deliveries.c.n == n, deliveries.c.state == DeliveryState.OPEN)
            .values(state=state, recipients=dict(recipients), ended_at=now(), response=response)
        )
        if state is DeliveryState.UNKNOWN:
            provider_events.prove(connection, task_id)  # the provider may have told of it before we gave up
    return closed.rowcount > 0
