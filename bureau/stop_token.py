"""The stop token: one per execution. Cancel, time limit, a lost lease and shutdown all end in it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog

from bureau.contracts.errors import Stopped

log = structlog.get_logger(__name__)


class StopReason(StrEnum):
    """Why an execution was asked to stop."""

    CANCELLED = "cancelled"
    TIME_LIMIT = "time_limit"
    LEASE_LOST = "lease_lost"  # the ledger gave the task to somebody else
    SHUTDOWN = "shutdown"


class StopToken:
    """Set once, by any thread; the first reason stays.

    Callbacks interrupt what blocks (an SQL statement, a socket); they run in the thread that sets the token,
    or at once where it is already set, must not raise and must not block. They run under the token's lock: a block
    that ends meanwhile waits, so that what it used is not interrupted in somebody else's hands.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a callback may use the token itself
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._reason: StopReason | None = None
        self.set_at: float | None = None  # monotonic

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    def set(self, reason: StopReason) -> None:
        with self._lock:
            if self._reason is not None:
                return
            self._reason, self.set_at = reason, time.monotonic()
            self._event.set()
            for callback in list(self._callbacks):
                _call(callback)

    def check(self) -> None:
        """Raises `Stopped` where the token is set."""
        if self._reason is not None:
            raise Stopped(self._reason)

    def wait(self, seconds: float) -> None:
        """Sleeps for `seconds`, or raises `Stopped` as soon as the token is set."""
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def interrupting(self, callback: Callable[[], None]) -> Iterator[None]:
        """While the block runs, setting the token calls `callback`.

        An error that the interruption made inside the block comes out as `Stopped`.
        """
        with self._lock:
            self._callbacks.append(callback)
            already = self._reason is not None
        if already:
            _call(callback)
        try:
            self.check()
            yield
        except Exception:
            self.check()
            raise
        finally:
            with self._lock:
                self._callbacks.remove(callback)


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # the others must be called all the same, and the thread that sets tokens must live
        log.exception("a callback of a stop token raised")
