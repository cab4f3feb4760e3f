"""Defines a transport: it takes a message for some recipients and returns a verdict on each.

The handover is the last moment before the provider may have the mail. Before it, every failure is a
`TransportUnavailable` or a verdict, and the mail may be tried again. After it, a lost answer is `AnswerLost`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bureau.services.mailer.message.message import Message
from bureau.services.mailer.transports import watchdog
from bureau.stop_token import StopToken

BEGIN_WITHIN_SECONDS = 30.0
END_WITHIN_SECONDS = 120.0


class Verdict(StrEnum):
    """What the provider said of one recipient."""

    SENT = "sent"  # taken over for delivery
    DEFERRED = "deferred"  # refused for now
    REFUSED = "refused"  # refused for good


@dataclass(frozen=True)
class SendResult:
    """The provider's answer: a verdict for every recipient; `reasons` for those not taken, in its words."""

    verdicts: dict[str, Verdict]
    reasons: dict[str, str]
    response: str  # to the whole
    retry_after: float | None = None  # seconds, where it named a time
    pause_seconds: float | None = None  # its limit is used up: the next mail not before then

    @classmethod
    def same(
        cls, recipients: Sequence[str], verdict: Verdict, response: str, retry_after: float | None = None
    ) -> "SendResult":
        """One answer for all."""
        reasons = {} if verdict is Verdict.SENT else dict.fromkeys(recipients, response)
        return cls(dict.fromkeys(recipients, verdict), reasons, response, retry_after)


class TransportUnavailable(Exception):
    """The provider could not be used; nothing was handed over. The text is for users and holds no secret."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooLate(TransportUnavailable):
    """The time of the intent was up: says nothing about the provider."""


class AnswerLost(Exception):
    """The mail was handed over and the answer did not come: it may be on its way, or not."""


class DeliveryWindow:
    """The time in which an intent may be acted on, counted from before its row was written (monotonic).

    Who finds an open intent waits until it is 180 s old: so the handing over begins within 30 s, and whatever is
    under way after 120 s is cut off. (A process frozen in between is the gap that remains.)
    """

    def __init__(
        self,
        *,
        begin_within: float = BEGIN_WITHIN_SECONDS,
        end_within: float = END_WITHIN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._opened = clock()
        self._begin_within = begin_within
        self._end_within = end_within

    def check_begin(self) -> None:
        """Raises `TransportUnavailable` when it is too late to begin handing over."""
        elapsed = self._clock() - self._opened
        if elapsed > self._begin_within:
            raise TooLate(
                f"the mail provider was ready only after {elapsed:.0f} s, the limit is {self._begin_within:.0f} s"
            )

    @contextmanager
    def cutting_off(self, cut: Callable[[], None]) -> Iterator[None]:
        """While the block runs, the window's end calls `cut` (in another thread; it closes a socket)."""
        alarm = watchdog.after(max(0.0, self._end_within - (self._clock() - self._opened)), cut)
        try:
            yield
        finally:
            alarm.call_off()


class Transport(Protocol):
    """One way to hand mail over. Threads share it; connections are made on first use."""

    @property
    def name(self) -> str:
        """Its kind: `smtp`, `sendgrid`, `file`, `console`; delivery rows call a second of a kind `smtp2`."""

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        """Hands `message` over for `recipients`, addresses of its to, cc and bcc.

        Raises `TransportUnavailable`, `AnswerLost`, or `Stopped` where the token was set before the handing over began;
        after that the token is not looked at.
        """

    def was_sent(self, message_id: str) -> bool | None:
        """Whether the mail was handed over; None where the provider cannot be asked.

        False promises more than "not yet": a try that is still under way elsewhere makes no second mail.
        """

    def close(self) -> None:
        """Drops idle connections."""
