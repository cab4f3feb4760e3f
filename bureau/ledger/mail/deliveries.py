"""Records deliveries: the intent before a mail is handed over, the end after it, so that it is handed over once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Integer, Row, String, Text, Uuid, insert, literal, select, update

from bureau.contracts.jobs.states import TaskState
from bureau.contracts.mail.addresses import folded
from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.metadata import Json
from bureau.ledger.db.prepared import Prepared, one_of
from bureau.ledger.db.sql_time import age, now
from bureau.ledger.db.tables import deliveries, tasks
from bureau.ledger.mail import provider_events, suppressions
from bureau.ledger.mail.first_intents import open_first
from bureau.ledger.mail.suppressions import Suppression


@dataclass(frozen=True)
class MailDelivery:
    """Holds the nth attempt of a task's mail. `recipients`: address to open, sent, refused, deferred or unknown."""

    n: int
    message_id: str
    transport: str
    state: DeliveryState
    recipients: dict[str, str]
    age_seconds: float
    response: str | None
    reasons: Mapping[str, str] = field(default_factory=dict)  # the provider's answers for the refused ones


class ClaimLost(Exception):
    """Says that the task no longer belongs to this claim: nothing may be sent."""


class OpenIntent(Exception):
    """Says that an earlier attempt has not ended: it may still be in progress."""

    def __init__(self, delivery: MailDelivery) -> None:
        super().__init__(f"delivery {delivery.n} is open")
        self.delivery = delivery


class SuppressedRecipients(Exception):
    """Says that recipients are on the suppression list: nothing was written, and the mail may go to the others."""

    def __init__(self, found: Mapping[str, Suppression]) -> None:
        super().__init__(f"{len(found)} recipients are suppressed")
        self.found = found


def history(db: Database, task_id: UUID) -> list[MailDelivery]:
    """Returns all attempts of a task, the first one first."""
    with db.read() as connection:
        return _history(connection, task_id)


def _history(connection: Connection, task_id: UUID) -> list[MailDelivery]:
    return _histories(connection, [task_id]).get(task_id, [])


def _histories(connection: Connection, task_ids: Sequence[UUID]) -> dict[UUID, list[MailDelivery]]:
    found: dict[UUID, list[MailDelivery]] = defaultdict(list)
    for row in _HISTORY.execute(connection, {"ids": task_ids}):
        found[row.task_id].append(_delivery(row))
    return dict(found)


_HISTORY = Prepared(
    select(deliveries, age(deliveries.c.opened_at).label("age_seconds"))
    .where(one_of(deliveries.c.task_id, "ids"))
    .order_by(deliveries.c.task_id, deliveries.c.n)
)


def _delivery(row: Row[Any]) -> MailDelivery:
    return MailDelivery(
        n=row.n,
        message_id=row.message_id,
        transport=row.transport,
        state=DeliveryState(row.state),
        recipients=dict(row.recipients),
        age_seconds=float(row.age_seconds),
        response=row.response,
        reasons=row.reasons or {},
    )


@dataclass(frozen=True)
class Intent:
    """Describes the mail of a claim that is about to be handed over, its recipients and its transport."""

    task_id: UUID
    claim_no: int
    message_id: str
    transport: str
    recipients: tuple[str, ...]
    owner: str | None = None  # the owner of the suppression list to check; None checks none


Opened = MailDelivery | ClaimLost | OpenIntent | SuppressedRecipients


def open_delivery(db: Database, intent: Intent) -> MailDelivery:
    """Writes the intent under the task row's lock, and waits for that lock.

    Raises `ClaimLost`, `OpenIntent`, `SuppressedRecipients` or `LedgerUnavailable`; then there is no new intent.
    """
    (opened,) = _open(db, [intent], skip_locked=False)
    if isinstance(opened, Deferred):  # the task was deleted
        raise ClaimLost
    if isinstance(opened, Exception):
        raise opened
    return opened


def open_batch(db: Database, intents: Sequence[Intent]) -> list[Opened | Deferred]:
    """Writes the intents of several claims together, each under its task row's lock.

    Returns for each its delivery, or the exception that `open_delivery` would raise; `Deferred` if another transaction
    has the row locked, or the task is gone. Raises `LedgerUnavailable`; then it is not known what was written.
    """
    first = set() if db.is_sqlite else open_first(db, [_described(intent) for intent in intents])
    others = [intent for intent in intents if intent.task_id not in first]
    answers = dict(zip(others, _open_others(db, others, alone=not first), strict=True))
    return [answers[intent] if intent in answers else _delivery_of(intent, 1) for intent in intents]


def _open_others(db: Database, intents: Sequence[Intent], *, alone: bool) -> Sequence[Opened | Deferred]:
    """Writes the intents that need a look. Unless they are `alone`, an outage is an answer: the first are written."""
    if not intents:
        return []
    try:
        return _open(db, intents, skip_locked=True)
    except LedgerUnavailable:
        if alone:
            raise
        return [Deferred.FAILED] * len(intents)


def _described(intent: Intent) -> dict[str, Any]:
    return {
        "task": intent.task_id,
        "claim_no": intent.claim_no,
        "message_id": intent.message_id,
        "transport": intent.transport,
        "recipients": dict.fromkeys(intent.recipients, DeliveryState.OPEN.value),
        "owner": intent.owner,
        "addresses": [folded(address) for address in intent.recipients] if intent.owner else [],
    }


def _delivery_of(intent: Intent, n: int) -> MailDelivery:
    recipients = dict.fromkeys(intent.recipients, DeliveryState.OPEN.value)
    return MailDelivery(n, intent.message_id, intent.transport, DeliveryState.OPEN, recipients, 0.0, None)


def _open(db: Database, intents: Sequence[Intent], *, skip_locked: bool) -> list[Opened | Deferred]:
    with db.hot.transaction() as connection:
        lock = _LOCK_FREE if skip_locked else _LOCK
        claims = {row.id: row for row in lock.execute(connection, {"ids": [intent.task_id for intent in intents]})}
        before = _histories(connection, [intent.task_id for intent in intents])
        owned = [(intent.owner, address) for intent in intents if intent.owner for address in intent.recipients]
        listed = suppressions.listed_among(connection, owned) if owned else {}
        answers = [_opened(intent, claims.get(intent.task_id), before, listed) for intent in intents]
        new = [(intent, one) for intent, one in zip(intents, answers, strict=True) if isinstance(one, MailDelivery)]
        _OPENED.execute(connection, _OPEN, [_row(intent, one) for intent, one in new])
    return answers


def _opened(
    intent: Intent,
    task: Any | None,
    histories: Mapping[UUID, Sequence[MailDelivery]],
    listed: Mapping[tuple[str, str], Suppression],
) -> Opened | Deferred:
    """Decides about an intent from the rows, which are locked."""
    if task is None:
        return Deferred.LOCKED
    if task.claim_no != intent.claim_no or task.state != TaskState.RUNNING or task.stop_requested_at is not None:
        return ClaimLost()
    before = histories.get(intent.task_id, ())
    if before and before[-1].state is DeliveryState.OPEN:
        return OpenIntent(before[-1])
    refused = {one: found for one in intent.recipients if (found := listed.get((intent.owner or "", one)))}
    if refused:
        return SuppressedRecipients(refused)
    return _delivery_of(intent, len(before) + 1)


def _row(intent: Intent, delivery: MailDelivery) -> dict[str, Any]:
    return {
        "task": intent.task_id,
        "n": delivery.n,
        "message_id": delivery.message_id,
        "transport": delivery.transport,
        "recipients": delivery.recipients,
    }


_TASKS = (
    select(tasks.c.id, tasks.c.claim_no, tasks.c.state, tasks.c.stop_requested_at)
    .where(one_of(tasks.c.id, "ids"))
    .order_by(tasks.c.id)
)
_LOCK = Prepared(_TASKS.with_for_update(key_share=True))
_LOCK_FREE = Prepared(_TASKS.with_for_update(skip_locked=True, key_share=True))
_OPENED = JsonRows(task=Uuid(), n=Integer(), message_id=String(), transport=String(), recipients=Json)
_OPEN = insert(deliveries).from_select(
    ["task_id", "n", "message_id", "transport", "recipients", "state", "opened_at"],
    select(
        *(_OPENED[name] for name in ("task", "n", "message_id", "transport", "recipients")),
        literal(DeliveryState.OPEN.value),
        now(),
    ),
)


def move_delivery(db: Database, *, task_id: UUID, claim_no: int, n: int, transport: str) -> bool:
    """Moves an open attempt to another transport, after checking the claim as when it was opened.

    Returns False if the attempt must not go on.
    """
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
    """Returns whether this claim holds the task and may go on. Locks its row until the end of the transaction."""
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


def close_delivery(db: Database, end: DeliveryEnd) -> bool:
    """Writes the end once, even for a lost claim, because the mail has left. Returns False if it had an end already."""
    with db.transaction() as connection:
        closed = close_all(connection, [end])
    return bool(closed)


def close_all(connection: Connection, ends: Sequence[DeliveryEnd]) -> list[UUID]:
    """Writes several ends in the caller's transaction, as `close_delivery` does. Returns the tasks that had none."""
    if not ends:
        return []
    rows = [{name: getattr(end, name) for name in _END_NAMES} for end in ends]
    closed = [row.task_id for row in _ENDED.query(connection, _CLOSE, rows)]
    for end in ends:
        if end.state is DeliveryState.UNKNOWN:  # the provider may have reported it before this end
            provider_events.prove(connection, end.task_id)
    return closed


_END_NAMES = ("task_id", "n", "state", "recipients", "response", "reasons")
_ENDED = JsonRows(task_id=Uuid(), n=Integer(), state=String(), recipients=Json, response=Text(), reasons=Json)
_CLOSE = (
    update(deliveries)
    .where(
        _ENDED.matches(deliveries.c.task_id),
        deliveries.c.n == _ENDED["n"],
        deliveries.c.state == DeliveryState.OPEN,
    )
    .values(
        state=_ENDED["state"],
        recipients=_ENDED["recipients"],
        ended_at=now(),
        response=_ENDED["response"],
        reasons=_ENDED["reasons"],
    )
    .returning(deliveries.c.task_id)
)
