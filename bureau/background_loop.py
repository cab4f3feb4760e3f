"""One contract for every background thread: start, wake, stop. Starting or stopping twice is harmless."""

import threading
import time
from collections.abc import Callable

import structlog

from bureau.ledger.db.database import LedgerUnavailable

BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_CAP_SECONDS = 5.0
STUCK_SECONDS = 60.0  # longer than any step and the pause after it

log = structlog.get_logger(__name__)


def _nothing() -> None:
    """A loop that leaves nothing behind."""


class Loop:
    """Calls `step` until stopped; `step` returns the seconds until it wants to be called again.

    A step that raises is called again with backoff: the outside recovers or a person reads the log. `last_error` is
    what went wrong last time, None while all is well.
    """

    def __init__(self, name: str, step: Callable[[], float], *, at_exit: Callable[[], None] = _nothing) -> None:
        self.name = name
        self.last_error: str | None = None
        self._step = step
        self._at_exit = at_exit
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._turned_at = time.monotonic()

    def unhealthy_reason(self) -> str | None:
        """Why the loop does not turn; None while it does. That its steps fail is the outside's matter, not death."""
        if self._thread is None or self._stopping.is_set():
            return None
        if not self._thread.is_alive():
            return "its thread has ended"
        idle = time.monotonic() - self._turned_at
        return f"no turn for {idle:.0f} s" if idle > STUCK_SECONDS else None

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Steps again at once; wakes that come during a step are one."""
        self._wake.set()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """No further step; returns when the current one ended, or after the timeout."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        backoff = BACKOFF_FIRST_SECONDS
        while not self._stopping.is_set():
            self._wake.clear()
            self._turned_at = time.monotonic()
            try:
                pause = self._step()
                if self.last_error is not None:
                    log.info("loop works again", loop=self.name)
                self.last_error, backoff = None, BACKOFF_FIRST_SECONDS
            except Exception as error:  # noqa: BLE001 - a loop outlives whatever its step met
                self._say(error)
                pause, backoff = backoff, min(backoff * 2, BACKOFF_CAP_SECONDS)
                self._stopping.wait(pause)  # wakes do not shorten a backoff
                continue
            self._wake.wait(pause)
        self._at_exit()

    def _say(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"
        if said != self.last_error:  # once an outage, not once a step
            log.warning("loop failed, trying again", loop=self.name, error=said, exc_info=not _expected(error))
        self.last_error = said


def _expected(error: Exception) -> bool:
    """Whether the outside is away: a traceback would say nothing more."""
    return (
        isinstance(error, LedgerUnavailable | ConnectionError | OSError) or type(error).__name__ == "ConnectionClosed"
    )
