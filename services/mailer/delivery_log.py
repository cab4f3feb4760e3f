"""Reads and writes the delivery attempts of a task's mail in the ledger."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from bureau.contracts.errors import Postponed, Stopped
from bureau.contracts.mail.delivery import DeliveryEnd
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.mail import deliveries
from bureau.ledger.mail.deliveries import ClaimLost, Intent, MailDelivery, Opened, OpenIntent, SuppressedRecipients
from bureau.ledger.mail.suppressions import Suppression
from bureau.runtime.group_commit import GroupCommit
from bureau.services.mailer.delivery_policy import INTENT_SECONDS
from bureau.stop_token import StopReason
from bureau.task import Context

_TOLD_WITHIN_SECONDS = 5.0


class Suppressed(Exception):
    """Says which recipients are on the suppression list of the task's owner, and why. No intent was written."""

    def __init__(self, found: Mapping[str, str]) -> None:
        super().__init__("; ".join(found.values()))
        self.found = dict(found)


class Book(Protocol):
    """Records delivery attempts.

    `open` is called before a mail may leave. The Context, not the book, writes the end of that attempt.
    """

    def tries(self, ctx: Context) -> list[MailDelivery]:
        """Returns all attempts so far, the oldest first."""

    def open(self, ctx: Context, *, message_id: str, transport: str, recipients: Sequence[str]) -> MailDelivery:
        """Writes the intent.

        Raises `Stopped` if this claim no longer holds the task, `Postponed` if an intent is open, and `Suppressed`.
        """

    def move(self, ctx: Context, n: int, *, transport: str) -> bool:
        """Records that another transport is about to get the mail; if it returns False, it must not get it."""

    def close(self, end: DeliveryEnd) -> None:
        """Records the end of an earlier attempt; if another process already recorded one, that one is kept."""


class DeliveryLog:
    """Keeps attempts in the `deliveries` table. Intents that are written at the same time share a transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._intents = GroupCommit[Intent, Opened](self._open_batch)

    def tries(self, ctx: Context) -> list[MailDelivery]:
        """Returns all attempts. The first claim has none yet, so the ledger is only read from the second claim on."""
        if ctx.claim_no == 1:
            return []
        with asking_ledger():
            return deliveries.history(self._db, ctx.task_id)

    def open(self, ctx: Context, *, message_id: str, transport: str, recipients: Sequence[str]) -> MailDelivery:
        intent = Intent(ctx.task_id, ctx.claim_no, message_id, transport, tuple(recipients), ctx.owner)
        try:
            with asking_ledger():  # if the row was written after all, the next attempt finds it open and no mail left
                return self._opened(intent)
        except ClaimLost:
            ctx.stop.wait(_TOLD_WITHIN_SECONDS)  # the heartbeat learns why: cancelled, or another worker's
            raise Stopped(StopReason.LEASE_LOST) from None
        except OpenIntent as error:
            raise under_way(INTENT_SECONDS - error.delivery.age_seconds) from None
        except SuppressedRecipients as error:
            raise Suppressed({address: _why(one) for address, one in error.found.items()}) from None

    def _opened(self, intent: Intent) -> MailDelivery:
        """Opens the intent. A failed group may have been committed: retried alone, its intents are then found open."""
        opened = self._intents(intent)
        if isinstance(opened, Deferred):
            return deliveries.open_delivery(self._db, intent)
        if isinstance(opened, Exception):
            raise opened
        return opened

    def _open_batch(self, intents: Sequence[Intent]) -> Sequence[Opened | Deferred]:
        return deliveries.open_batch(self._db, intents)

    def move(self, ctx: Context, n: int, *, transport: str) -> bool:
        try:
            return deliveries.move_delivery(
                self._db, task_id=ctx.task_id, claim_no=ctx.claim_no, n=n, transport=transport
            )
        except LedgerUnavailable:
            return False  # whether or not the row was written, nothing is handed over under it

    def close(self, end: DeliveryEnd) -> None:
        with asking_ledger():
            deliveries.close_delivery(self._db, end)


def under_way(seconds: float) -> Postponed:
    """Returns the postponement for an open attempt: another process may be handing the mail over, or died doing it."""
    return Postponed(
        "delivery_open",
        "An earlier attempt to send this mail has not ended. This one waits for it, so that "
        "nobody gets the mail twice.",
        delay=max(1.0, seconds),
    )


def _why(one: Suppression) -> str:
    detail = f" ({one.detail})" if one.detail else ""
    return (
        f"on the suppression list since {one.created_at:%Y-%m-%d}: {one.reason.replace('_', ' ')}{detail}. "
        f"DELETE /v1/mail/suppressions?address={quote(one.address)} removes it from the list"
    )
