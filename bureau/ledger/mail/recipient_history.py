"""Reads the delivery history of a job's mails, by recipient: the current state and the steps that led to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bureau.contracts.mail.addresses import folded
from bureau.contracts.mail.mail_events import MailEventKind
from bureau.ledger.db.database import Database
from bureau.ledger.db.mail_tables import mail_events
from bureau.ledger.db.tables import deliveries, tasks
from bureau.ledger.mail.recipient_status import SUPPRESSED, reason_of, recipients, refused_of, weight_of

STEPS = 5  # for each recipient; a full mailbox may be tried, and reported, for days


@dataclass(frozen=True)
class HistoryStep:
    """Holds the recipient's `state` after an attempt by `transport`, or after a later event of the provider."""

    at: datetime
    state: str
    transport: str | None
    reason: str | None


@dataclass(frozen=True)
class Recipient:
    """Holds the current `state`, `at` and `reason` of a recipient; `steps` are the last steps, oldest first."""

    task: str
    address: str
    state: str
    at: datetime | None
    reason: str | None
    steps: tuple[HistoryStep, ...]


@dataclass(frozen=True)
class Mails:
    """Holds the first recipients, in the order of the job's tasks, and the total number."""

    recipients: tuple[Recipient, ...]
    total: int


def mails(db: Database, job_id: UUID, *, limit: int) -> Mails:
    """Returns at most `limit` recipients of a job. The caller has checked the job's owner."""
    tries_query = (
        select(tasks.c.name, tasks.c.result, tasks.c.finished_at, deliveries)
        .join(tasks, tasks.c.id == deliveries.c.task_id)
        .where(tasks.c.job_id == job_id)
        .order_by(tasks.c.position, deliveries.c.n)
    )
    with db.read() as connection:
        tries = connection.execute(tries_query).all()
        by_task: dict[UUID, list[Any]] = {}
        for row in tries:
            by_task.setdefault(row.task_id, []).append(row)
        shown = _first(by_task, limit)
        events = connection.execute(select(mail_events).where(mail_events.c.task_id.in_(shown))).all()
    found = [
        one
        for task_id in shown
        for one in _of_task(by_task[task_id], [event for event in events if event.task_id == task_id])
    ]
    return Mails(tuple(found[:limit]), sum(len(_addresses(rows)) for rows in by_task.values()))


def _first(by_task: dict[UUID, list[Any]], limit: int) -> list[UUID]:
    """Returns the first tasks that together have `limit` recipients."""
    chosen: list[UUID] = []
    for task_id, rows in by_task.items():
        if limit > 0:
            chosen.append(task_id)
        limit -= len(_addresses(rows))
    return chosen


def _addresses(tries: Sequence[Any]) -> set[str]:
    return {address for row in tries for address in row.recipients} | set(refused_of(tries[0].result))


def _of_task(tries: Sequence[Any], events: Sequence[Any]) -> Iterator[Recipient]:
    for one in recipients(tries, events, tries[0]):
        steps = list(_steps(one["address"], tries, events))
        if one["state"] == SUPPRESSED:
            steps.append(HistoryStep(one["at"], SUPPRESSED, None, one["reason"]))
        yield Recipient(tries[0].name, one["address"], one["state"], one["at"], one["reason"], tuple(steps[-STEPS:]))


def _steps(address: str, tries: Sequence[Any], events: Sequence[Any]) -> Iterator[HistoryStep]:
    """Orders attempts and events. Time alone cannot: providers report whole seconds of their own clocks."""
    for row in tries:
        if address not in row.recipients:
            continue
        reason = reason_of(address, row)
        yield HistoryStep(row.ended_at or row.opened_at, row.recipients[address], row.transport, reason)
        of_it = [event for event in events if event.recipient == folded(address) and event.n == row.n]
        for event in sorted(of_it, key=lambda event: (event.at, weight_of(event))):
            if event.kind != MailEventKind.PROCESSED:
                yield HistoryStep(event.at, event.kind, None, event.reason)
