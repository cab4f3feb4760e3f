"""What became of a task's mail, recipient by recipient: what was said when it was handed over, and told after."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from bureau.contracts.mail.addresses import folded
from bureau.contracts.mail.mail_events import MailEventKind
from bureau.ledger.db.mail_tables import mail_events
from bureau.ledger.db.tables import deliveries

SUPPRESSED = "suppressed"  # left out, for being on the suppression list

_WEIGHT = {kind: weight for weight, kind in enumerate(MailEventKind)}


def of_tasks(connection: Connection, rows: Sequence[Any]) -> dict[UUID, list[dict[str, Any]]]:
    """Of those of the tasks' rows that sent any: their recipients in the order of the first try."""
    ids = [row.id for row in rows]
    tries = _by_task(connection, select(deliveries).where(deliveries.c.task_id.in_(ids)).order_by(deliveries.c.n))
    if not tries:
        return {}
    told = _by_task(connection, select(mail_events).where(mail_events.c.task_id.in_(list(tries))))
    return {row.id: recipients(tries[row.id], told.get(row.id, ()), row) for row in rows if row.id in tries}


def recipients(tries: Sequence[Any], told: Sequence[Any], task: Any) -> list[dict[str, Any]]:
    """The state of each: `delivered`, `bounced`, `dropped`, `deferred` or `complained` as the provider told, else as
    it was when the mail was handed over. Once sent is sent, as for the sender. `task` is its row."""
    shown: dict[str, dict[str, Any]] = {}
    for row in tries:
        for address, state in row.recipients.items():
            if shown.get(address, {}).get("state") != "sent":
                reason = reason_of(address, row.response) if state != "sent" else None
                shown[address] = {"address": address, "state": state, "at": row.ended_at, "reason": reason}
    for address, why in refused_of(task.result).items():
        if shown.get(address, {}).get("state") != "refused":  # no try had it refused, so the list did
            shown[address] = {"address": address, "state": SUPPRESSED, "at": task.finished_at, "reason": why}
    for event in sorted(told, key=lambda event: (weight_of(event), event.at)):
        for address, one in shown.items():
            if folded(address) == event.recipient and event.kind != MailEventKind.PROCESSED:
                one |= {"state": event.kind, "at": event.at, "reason": event.reason}
    return list(shown.values())


def refused_of(result: dict[str, Any] | None) -> dict[str, str]:
    """Of the result of a mail's task (`MailSent`): who got none, and why. It alone tells of those on the list."""
    return (result or {}).get("refused") or {}


def weight_of(event: Any) -> int:
    """Of two events the heavier one has the say, whenever it came."""
    return _WEIGHT[MailEventKind(event.kind)]


def reason_of(address: str, response: str | None) -> str | None:
    """What was said of this one; a line each, or one answer for all."""
    lines = (response or "").split("\n")
    own = f"{address}: "
    return next((line.removeprefix(own) for line in lines if line.startswith(own)), response)


def _by_task(connection: Connection, query: Any) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.task_id].append(row)
    return dict(found)
