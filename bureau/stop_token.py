"""Defines the stop token of an execution, which a cancel, the time limit, a lost lease or a shutdown sets."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog

from bureau.contracts.errors import Stopped
from bureau.threads import refuse_on_loop

log = structlog.get_logger(__name__)


class StopReason(StrEnum):
    """Lists why an execution is asked to stop."""

    CANCELLED = "cancelled"
    TIME_LIMIT = "time_limit"
    LEASE_LOST = "lease_lost"  # the ledger has given the task to another worker
    SHUTDOWN = "shutdown"


class StopToken:
    """Tells an execution to stop. It is set once, by any thread; the first reason stays.

    Callbacks interrupt a blocking call (an SQL statement, a socket). They run in the thread that sets the token, or at
    once if it is set already; they must not raise or block. They run under the token's lock, and a block that ends
    meanwhile waits for that lock. So a callback never interrupts a resource that another user has taken over.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a callback may use the token itself
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._reason: StopReason | None = None
        self.set_at: float | None = None  # monotonic
        self.heard_at: float | None = None  # when the execution was told by `Stopped` for the first time

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
        """Raises `Stopped` if the token is set."""
        if self._reason is not None:
            self.heard_at = self.heard_at or time.monotonic()
            raise Stopped(self._reason)

    def wait(self, seconds: float) -> None:
        """Sleeps for `seconds`, or raises `Stopped` as soon as the token is set."""
        refuse_on_loop("ctx.stop.wait(…)", "await ctx.sleep(…)")
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def interrupting(self, callback: Callable[[], None]) -> Iterator[None]:
        """Calls `callback` if the token is set while the block runs.

        An error that the interruption caused inside the block is raised as `Stopped`.
        """
        with self._lock:
            self._callbacks.append(callback)
            already_set = self._reason is not None
        if already_set:
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
    except Exception:  # the other callbacks must still be called, and the thread that sets tokens must survive
        log.exception("a callback of a stop token raised")
