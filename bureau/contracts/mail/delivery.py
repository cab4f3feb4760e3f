"""How an attempt to hand a mail over stands, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class DeliveryState(StrEnum):
    """How an attempt to hand a mail over stands."""

    OPEN = "open"  # the intent: it may be under way, or its sender died
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # it may or may not have been handed over


@dataclass(frozen=True)
class DeliveryEnd:
    """How the nth attempt of a task's mail ended.

    `recipients` has each recipient's own state, `reasons` what the provider said of those it did not take, `response`
    what it said to the whole.
    """

    task_id: UUID
    n: int
    state: DeliveryState
    recipients: Mapping[str, str]
    response: str | None
    reasons: Mapping[str, str] = field(default_factory=dict)
