"""Calls functions at given times unless they are called off; one thread serves all mails of a process.

A `threading.Timer` for each mail would start a thread for each mail.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class Alarm:
    """Holds a function that is called at a given time. `call_off` has no effect once it was called."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def call_off(self) -> None:
        self._act = None

    def ring(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()

    @property
    def called_off(self) -> bool:
        return self._act is None


class Watchdog:
    """Calls alarms when they are due. Its thread starts with the first alarm, so that a process may fork before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._alarms: list[tuple[float, int, Alarm]] = []  # a heap
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def after(self, seconds: float, act: Callable[[], None]) -> Alarm:
        """Calls `act` in the watchdog's thread after so many seconds."""
        alarm = Alarm(act)
        with self._changed:
            while self._alarms and self._alarms[0][2].called_off:  # else they stay for two minutes
                heapq.heappop(self._alarms)
            at = self._clock() + seconds
            first = not self._alarms or at < self._alarms[0][0]
            heapq.heappush(self._alarms, (at, next(self._numbers), alarm))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            elif first:
                self._changed.notify()
        return alarm

    def _watch(self) -> None:
        while True:
            try:
                self._next_due().ring()
            except Exception:
                log.exception("the callback of an alarm failed")

    def _next_due(self) -> Alarm:
        with self._changed:
            while True:
                while self._alarms and self._alarms[0][2].called_off:
                    heapq.heappop(self._alarms)
                wait = self._alarms[0][0] - self._clock() if self._alarms else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._alarms)[2]
                self._changed.wait(wait)


_WATCHDOG = Watchdog()


def after(seconds: float, act: Callable[[], None]) -> Alarm:
    """Calls `act` in the process's watchdog thread after so many seconds."""
    return _WATCHDOG.after(seconds, act)
