"""What a provider tells of a mail after it took it, and what follows from that."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class MailEventKind(StrEnum):
    """Of one recipient. The order is that of their weight: a later one is not taken back by an earlier one."""

    PROCESSED = "processed"  # the provider has it: it was handed over
    DEFERRED = "deferred"  # the recipient's server does not take it for now; the provider goes on trying
    DELIVERED = "delivered"
    DROPPED = "dropped"  # the provider does not try: it knows the address from before
    BOUNCED = "bounced"  # the recipient's server refused it
    COMPLAINED = "complained"  # the recipient called it spam


class SuppressionReason(StrEnum):
    """Why an address gets no mail."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    MANUAL = "manual"  # somebody asked for it


@dataclass(frozen=True)
class MailEvent:
    """`id` is the provider's, the same each time it tells of it. `n` is the try of the task's mail."""

    id: str
    task_id: UUID
    n: int
    recipient: str  # folded
    kind: MailEventKind
    at: datetime
    reason: str | None = None
    suppress: SuppressionReason | None = None
