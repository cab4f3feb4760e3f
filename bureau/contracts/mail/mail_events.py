"""Defines the events that a provider reports after it accepted a mail, and the suppressions that follow from them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class MailEventKind(StrEnum):
    """Lists what can happen to one recipient, in order of weight.

    An event never replaces one that is further down the list.
    """

    PROCESSED = "processed"  # the provider has accepted the mail
    DEFERRED = "deferred"  # the recipient's server does not accept it for now; the provider keeps trying
    DELIVERED = "delivered"
    DROPPED = "dropped"  # the provider does not try, because the address failed before
    BOUNCED = "bounced"  # the recipient's server refused it
    COMPLAINED = "complained"  # the recipient marked it as spam


class SuppressionReason(StrEnum):
    """Lists why an address gets no mail."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    MANUAL = "manual"  # an operator added it


@dataclass(frozen=True)
class MailEvent:
    """Describes one event of one recipient.

    `id` is the provider's, and is the same each time the provider reports the event. `n` is the number of the attempt
    to send the task's mail.
    """

    id: str
    task_id: UUID
    n: int
    recipient: str  # as `folded` returns it
    kind: MailEventKind
    at: datetime
    reason: str | None = None
    suppress: SuppressionReason | None = None
