"""Protects a transport with a circuit breaker that opens after outages, and with a rate limit of mails per second.

A mail that is not let through is postponed and uses no attempt, because it is not the mail's fault. While the breaker
is open it lets one probe at a time through; the first probe that succeeds closes it. The state is in memory, for one
process: each process finds out by itself.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bureau.contracts.outage import Outage
from bureau.process.outage_counter import ENOUGH, OutageCounter

OPEN_SECONDS = 5.0  # seconds until the first probe; doubled with every probe that fails
OPEN_AT_MOST_SECONDS = 60.0
RETRY_AFTER_AT_MOST_SECONDS = 3600.0  # the limit for a time that a provider names; a whole day is not believed
PROBE_SECONDS = 120.0  # a probe without an outcome for so long is given up


@dataclass(frozen=True)
class Closed:
    """Says that a mail is not let through, and for how long.

    `away`: because of outages, so that another transport may serve it; otherwise because of the rate limit.
    """

    seconds: float
    away: bool
    why: str = ""  # the text of the last outage


class CircuitBreaker:
    """Guards one transport for all threads. A caller that was let through reports `served`, `outage` or `left`."""

    def __init__(self, rate_per_second: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._outages = OutageCounter()
        self._open_until = 0.0
        self._probe_until: float | None = None
        self._not_before = 0.0
        self._next = 0.0  # when the rate allows the next mail; up to a second in the past, for bursts

    def enter(self) -> Closed | None:
        """Lets a mail through and returns None; the caller then reports the outcome. Otherwise returns why not."""
        with self._lock:
            now = self._clock()
            if self._is_open and (wait := self._until_probe(now)) > 0:
                return Closed(wait, away=True, why=self._outages.why)
            if now < self._not_before:
                return Closed(self._not_before - now, away=False)
            if self._rate is not None:
                if now < self._next:
                    return Closed(self._next - now, away=False)
                self._next = max(self._next, now - 1.0) + 1.0 / self._rate
            if self._is_open:
                self._probe_until = now + PROBE_SECONDS
            return None

    def served(self, pause_seconds: float | None = None) -> None:
        """Records that the provider answered. `pause_seconds`: its own rate limit is used up for so long."""
        with self._lock:
            self._outages.over()
            self._probe_until = None
            if pause_seconds:
                self._not_before = self._clock() + pause_seconds

    def outage(self, why: str, retry_after: float | None = None) -> Closed | None:
        """Records an outage and returns what the next mail meets; None if the breaker has not opened."""
        with self._lock:
            self._outages.met(why)
            self._probe_until = None
            if not self._is_open:
                return None
            doubled = OPEN_SECONDS * 2.0 ** min(self._outages.in_a_row - ENOUGH, 10)
            wait = max(min(doubled, OPEN_AT_MOST_SECONDS), min(retry_after or 0.0, RETRY_AFTER_AT_MOST_SECONDS))
            self._open_until = self._clock() + wait
            return Closed(wait, away=True, why=why)

    def left(self) -> None:
        """Records that nothing was learned: the task was stopped, or its time was up."""
        with self._lock:
            self._probe_until = None

    def trouble(self, name: str) -> list[Outage]:
        """Reports an open breaker as an outage of the process."""
        return self._outages.trouble(name, "open circuit")

    @property
    def _is_open(self) -> bool:
        return self._outages.away

    def _until_probe(self, now: float) -> float:
        if now < self._open_until:
            return self._open_until - now
        if self._probe_until is not None and now < self._probe_until:
            return 1.0  # the probe will have ended by then; otherwise the caller asks again
        return 0.0
