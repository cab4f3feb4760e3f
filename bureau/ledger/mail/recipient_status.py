"""Finds the status of a task's mail by recipient, from the handover and from the provider's later events."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from bureau.contracts.mail.addresses import folded
from bureau.contracts.mail.mail_events import MailEventKind
from bureau.ledger.db.mail_tables import mail_events
from bureau.ledger.db.tables import deliveries

SUPPRESSED = "suppressed"  # left out, because the suppression list has the address

_WEIGHT = {kind: weight for weight, kind in enumerate(MailEventKind)}


def of_tasks(connection: Connection, rows: Sequence[Any]) -> dict[UUID, list[dict[str, Any]]]:
    """Returns the recipients of each task that sent mail, in the order of the first attempt."""
    ids = [row.id for row in rows]
    tries = _by_task(connection, select(deliveries).where(deliveries.c.task_id.in_(ids)).order_by(deliveries.c.n))
    if not tries:
        return {}
    events = _by_task(connection, select(mail_events).where(mail_events.c.task_id.in_(list(tries))))
    return {row.id: recipients(tries[row.id], events.get(row.id, ()), row) for row in rows if row.id in tries}


def recipients(tries: Sequence[Any], events: Sequence[Any], task: Any) -> list[dict[str, Any]]:
    """Returns the state of each recipient of a task, given the task's row.

    The state is `delivered`, `bounced`, `dropped`, `deferred` or `complained` if the provider reported it, else the
    state at the handover. A recipient that was sent to once stays `sent`, as for the sender.
    """
    shown: dict[str, dict[str, Any]] = {}
    for row in tries:
        for address, state in row.recipients.items():
            if shown.get(address, {}).get("state") != "sent":
                reason = reason_of(address, row) if state != "sent" else None
                shown[address] = {"address": address, "state": state, "at": row.ended_at, "reason": reason}
    for address, why in refused_of(task.result).items():
        if shown.get(address, {}).get("state") != "refused":  # not refused: the list left it out
            shown[address] = {"address": address, "state": SUPPRESSED, "at": task.finished_at, "reason": why}
    for event in sorted(events, key=lambda event: (weight_of(event), event.at)):
        for address, one in shown.items():
            if folded(address) == event.recipient and event.kind != MailEventKind.PROCESSED:
                one |= {"state": event.kind, "at": event.at, "reason": event.reason}
    return list(shown.values())


def refused_of(result: dict[str, Any] | None) -> dict[str, str]:
    """Returns the recipients without mail and why, from a result (`MailSent`): only it names suppressed ones."""
    return (result or {}).get("refused") or {}


def weight_of(event: Any) -> int:
    """Ranks events: the more serious of two events about a recipient counts, whichever came later."""
    return _WEIGHT[MailEventKind(event.kind)]


def reason_of(address: str, delivery: Any) -> str | None:
    """Returns the provider's answer for this recipient, else its answer to the whole mail."""
    reason: str | None = (delivery.reasons or {}).get(address, delivery.response)
    return reason


def _by_task(connection: Connection, query: Any) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.task_id].append(row)
    return dict(found)
