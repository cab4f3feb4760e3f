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
    """Gives the provider's answer for one recipient."""

    SENT = "sent"  # accepted for delivery
    DEFERRED = "deferred"  # temporarily refused
    REFUSED = "refused"  # permanently refused


@dataclass(frozen=True)
class SendResult:
    """Holds the provider's answer: a verdict for every recipient; `reasons`, in its words, for those not accepted."""

    verdicts: dict[str, Verdict]
    reasons: dict[str, str]
    response: str  # the answer for the whole mail
    retry_after: float | None = None  # seconds, if the provider named a time
    pause_seconds: float | None = None  # seconds until its rate limit resets; the next mail is not sent before then

    @classmethod
    def same(
        cls, recipients: Sequence[str], verdict: Verdict, response: str, retry_after: float | None = None
    ) -> "SendResult":
        """Returns a result with the same answer for all recipients."""
        reasons = {} if verdict is Verdict.SENT else dict.fromkeys(recipients, response)
        return cls(dict.fromkeys(recipients, verdict), reasons, response, retry_after)


class TransportUnavailable(Exception):
    """Says that the provider could not be used and nothing was handed over.

    The text is for users and contains no secret.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooLate(TransportUnavailable):
    """Says that the intent's time was up; it says nothing about the provider."""


class AnswerLost(Exception):
    """Says that the mail was handed over and the answer was lost: it may or may not be on its way."""


class DeliveryWindow:
    """Limits the time in which an intent may be acted on, counted from before its row was written (monotonic).

    A worker that finds an open intent waits until it is 180 s old. Therefore the handover must begin within 30 s, and a
    handover that is under way after 120 s is cut off. (A process frozen in between is the gap that remains.)
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
        """Raises `TransportUnavailable` if it is too late to begin the handover."""
        elapsed = self._clock() - self._opened
        if elapsed > self._begin_within:
            raise TooLate(
                f"the mail provider was ready only after {elapsed:.0f} s, the limit is {self._begin_within:.0f} s"
            )

    @contextmanager
    def cutting_off(self, cut: Callable[[], None]) -> Iterator[None]:
        """Calls `cut` when the window ends while the block runs (in another thread; it closes a socket)."""
        alarm = watchdog.after(max(0.0, self._end_within - (self._clock() - self._opened)), cut)
        try:
            yield
        finally:
            alarm.call_off()


class Transport(Protocol):
    """Hands mail over in one way. Threads share a transport; it opens connections on first use."""

    @property
    def name(self) -> str:
        """Returns its kind: `smtp`, `sendgrid`, `file`, `console`; delivery rows name a second one `smtp2`."""

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        """Hands `message` over for `recipients`, addresses of its to, cc and bcc.

        Raises `TransportUnavailable`, `AnswerLost`, or `Stopped` if the token was set before the handover began; after
        that the token is ignored.
        """

    def was_sent(self, message_id: str) -> bool | None:
        """Returns whether the mail was handed over; None if the provider cannot be asked.

        False promises more than "not yet": an attempt that is still under way elsewhere cannot send a second mail.
        """

    def close(self) -> None:
        """Drops idle connections."""
