"""The tries of a task's mail in the ledger."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import quote
from uuid import UUID

from bureau.contracts.errors import Postponed, Stopped, TransientError
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.mail import deliveries, suppressions
from bureau.ledger.mail.deliveries import ClaimLost, DeliveryState, MailDelivery, OpenIntent
from bureau.ledger.mail.suppressions import Suppression
from bureau.services.mailer.delivery_policy import INTENT_SECONDS
from bureau.stop_token import StopReason
from bureau.task import Context

_TOLD_WITHIN_SECONDS = 5.0
_PAUSES_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Book(Protocol):
    """Where tries are written. `open` before a mail may leave, `close` after."""

    def tries(self, task_id: UUID) -> list[MailDelivery]:
        """All so far, the first one first."""

    def suppressed(self, ctx: Context, recipients: Sequence[str]) -> dict[str, str]:
        """Those that get no mail of the task's owner, and why."""

    def open(self, ctx: Context, *, message_id: str, transport: str, recipients: Sequence[str]) -> MailDelivery:
        """Writes the intent. Raises `Stopped` when the task is not this claim's, `Postponed` when one is open."""

    def move(self, ctx: Context, n: int, *, transport: str) -> bool:
        """Writes that another transport is about to get the mail; False: it must not."""

    def close(
        self, task_id: UUID, n: int, *, state: DeliveryState, recipients: Mapping[str, str], response: str
    ) -> None:
        """Writes the end of a try; where somebody was first, theirs stays."""


class DeliveryLog:
    """In the `deliveries` table."""

    def __init__(self, db: Database, sleep: Callable[[float], None] = time.sleep) -> None:
        self._db = db
        self._sleep = sleep

    def tries(self, task_id: UUID) -> list[MailDelivery]:
        try:
            return deliveries.history(self._db, task_id)
        except LedgerUnavailable as error:
            raise _ledger_away() from error

    def suppressed(self, ctx: Context, recipients: Sequence[str]) -> dict[str, str]:
        try:
            found = suppressions.among(self._db, ctx.owner, recipients)
        except LedgerUnavailable as error:
            raise _ledger_away() from error
        return {address: _why(one) for address, one in found.items()}

    def open(self, ctx: Context, *, message_id: str, transport: str, recipients: Sequence[str]) -> MailDelivery:
        try:
            return deliveries.open_delivery(
                self._db,
                task_id=ctx.task_id,
                claim_no=ctx.claim_no,
                message_id=message_id,
                transport=transport,
                recipients=recipients,
            )
        except ClaimLost:
            ctx.stop.wait(_TOLD_WITHIN_SECONDS)  # the heartbeat knows why: cancelled, or somebody else's
            raise Stopped(StopReason.LEASE_LOST) from None
        except OpenIntent as error:
            raise under_way(INTENT_SECONDS - error.delivery.age_seconds) from None
        except LedgerUnavailable as error:
            # If the row was written after all, the next try finds it open and no mail left.
            raise _ledger_away() from error

    def move(self, ctx: Context, n: int, *, transport: str) -> bool:
        try:
            return deliveries.move_delivery(
                self._db, task_id=ctx.task_id, claim_no=ctx.claim_no, n=n, transport=transport
            )
        except LedgerUnavailable:
            return False  # whether it was written or not: nothing is handed over under it

    def close(
        self, task_id: UUID, n: int, *, state: DeliveryState, recipients: Mapping[str, str], response: str
    ) -> None:
        """Asks until the ledger answers: an end that is not written makes the mail `unknown`."""
        tries = 0
        while True:
            try:
                deliveries.close_delivery(
                    self._db, task_id=task_id, n=n, state=state, recipients=recipients, response=response
                )
            except LedgerUnavailable:
                self._sleep(_PAUSES_SECONDS[min(tries, len(_PAUSES_SECONDS) - 1)])
                tries += 1
            else:
                return


def under_way(seconds: float) -> Postponed:
    """Another process may be handing the mail over, or died doing it."""
    return Postponed(
        "delivery_open",
        "An earlier try to hand this mail over has not ended. It is waited for, so that nobody gets the mail twice.",
        delay=max(1.0, seconds),
    )


def _why(one: Suppression) -> str:
    detail = f" ({one.detail})" if one.detail else ""
    return (
        f"on the suppression list since {one.created_at:%Y-%m-%d}: {one.reason.replace('_', ' ')}{detail}. "
        f"DELETE /v1/mail/suppressions?address={quote(one.address)} takes it off"
    )


def _ledger_away() -> TransientError:
    return TransientError("ledger_unavailable", "The ledger did not answer.")
