"""Stores the events that providers report about mails, each once.

An event proves a handover whose outcome was unknown, and suppresses addresses that must get no more mail.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bureau.contracts.mail.addresses import folded
from bureau.contracts.mail.mail_events import MailEvent
from bureau.ledger.db.database import Database
from bureau.ledger.db.mail_tables import mail_events
from bureau.ledger.db.tables import deliveries, jobs, tasks
from bureau.ledger.mail import suppressions

UNKNOWN, SENT = "unknown", "sent"


def record(db: Database, events: Sequence[MailEvent]) -> int:
    """Stores events in one transaction. Returns how many were new; events of deleted tasks are dropped."""
    with db.transaction() as connection:
        fresh = _new(connection, _of_known_tasks(connection, events))
        if fresh:
            # Events first, then rows: `close_delivery` locks its row and then looks for events, so that one of the two
            # always sees the other.
            connection.execute(_ignoring(connection), [_row(event) for event in fresh])
            for task_id in sorted({event.task_id for event in fresh}):
                prove(connection, task_id)
            _suppress(connection, fresh)
    return len(fresh)


def prove(connection: Connection, task_id: UUID) -> None:
    """Turns `unknown` recipients of the task's mail into `sent` if an event names them.

    Any event about a recipient proves that the provider has the mail. An attempt without unknown recipients is `sent`.
    """
    unknown = connection.execute(
        select(deliveries.c.n, deliveries.c.recipients)
        .where(deliveries.c.task_id == task_id, deliveries.c.state == UNKNOWN)
        .order_by(deliveries.c.n)
        .with_for_update()
    ).all()
    if not unknown:
        return
    reported = {(row.n, row.recipient) for row in connection.execute(_reported(task_id))}
    for row in unknown:
        proven = _proven(row.recipients, {recipient for n, recipient in reported if n == row.n})
        if proven != row.recipients:
            state = UNKNOWN if UNKNOWN in proven.values() else SENT
            connection.execute(
                update(deliveries)
                .where(deliveries.c.task_id == task_id, deliveries.c.n == row.n)
                .values(recipients=proven, state=state)
            )


def _reported(task_id: UUID) -> Any:
    return select(mail_events.c.n, mail_events.c.recipient).where(mail_events.c.task_id == task_id).distinct()


def _proven(recipients: Mapping[str, str], reported: set[str]) -> dict[str, str]:
    return {one: SENT if state == UNKNOWN and folded(one) in reported else state for one, state in recipients.items()}


def _of_known_tasks(connection: Connection, events: Sequence[MailEvent]) -> list[MailEvent]:
    ids = {event.task_id for event in events}
    known = set(connection.execute(select(tasks.c.id).where(tasks.c.id.in_(ids))).scalars())
    return [event for event in events if event.task_id in known]


def _new(connection: Connection, events: Sequence[MailEvent]) -> list[MailEvent]:
    """Returns each event once, without those stored before."""
    each = {event.id: event for event in events}
    before = set(connection.execute(select(mail_events.c.id).where(mail_events.c.id.in_(list(each)))).scalars())
    return [event for event in each.values() if event.id not in before]


def _ignoring(connection: Connection) -> Any:
    """Makes an insert that ignores rows which a duplicate of this request wrote meanwhile."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(mail_events).on_conflict_do_nothing()
    return postgresql.insert(mail_events).on_conflict_do_nothing()


def _row(event: MailEvent) -> dict[str, Any]:
    names = ("id", "task_id", "n", "recipient", "kind", "at", "reason")
    return {name: getattr(event, name) for name in names}


def _suppress(connection: Connection, events: Iterable[MailEvent]) -> None:
    named = [event for event in events if event.suppress is not None]
    if not named:
        return
    ids = {event.task_id for event in named}
    found = connection.execute(
        select(tasks.c.id, jobs.c.owner).join(jobs, jobs.c.id == tasks.c.job_id).where(tasks.c.id.in_(ids))
    )
    owners = {row.id: row.owner for row in found}
    for event in named:
        if event.suppress is not None:
            suppressions.note(connection, owners[event.task_id], event.recipient, event.suppress, event.reason)
