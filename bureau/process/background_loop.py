"""Defines `Loop`, the background thread of all services: start, wake, stop. Repeated starts and stops are harmless."""

import threading
import time
from collections.abc import Callable

import structlog

from bureau.ledger.db.database import LedgerUnavailable

BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_CAP_SECONDS = 5.0
STUCK_SECONDS = 60.0  # longer than any step with the pause after it

log = structlog.get_logger(__name__)


def _do_nothing() -> None:
    """Does nothing at the exit of a loop that has nothing to clean up."""


class Loop:
    """Calls `step` until stopped; `step` returns the seconds until its next call.

    A step that raises is called again with backoff, because the outside recovers or a person reads the log.
    `last_error` is the error of the last step, None if it succeeded.
    """

    def __init__(self, name: str, step: Callable[[], float], *, at_exit: Callable[[], None] = _do_nothing) -> None:
        self.name = name
        self.last_error: str | None = None
        self._step = step
        self._at_exit = at_exit
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last_step_at = time.monotonic()

    def unhealthy_reason(self) -> str | None:
        """Returns why the loop is stuck or dead; None while it runs.

        Failing steps do not count, because their cause is outside the process.
        """
        if self._thread is None or self._stopping.is_set():
            return None
        if not self._thread.is_alive():
            return "its thread has ended"
        idle = time.monotonic() - self._last_step_at
        return f"it has not finished a step for {idle:.0f} s" if idle > STUCK_SECONDS else None

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Starts the next step at once; several wakes during a step count as one."""
        self._wake.set()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Prevents further steps, and waits until the current one has ended, at most `timeout_seconds`."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        backoff = BACKOFF_FIRST_SECONDS
        while not self._stopping.is_set():
            self._wake.clear()
            self._last_step_at = time.monotonic()
            try:
                pause = self._step()
                if self.last_error is not None:
                    log.info("the loop works again", loop=self.name)
                self.last_error, backoff = None, BACKOFF_FIRST_SECONDS
            except Exception as error:  # noqa: BLE001 - a loop survives any error of its step
                self._log_failure(error)
                pause, backoff = backoff, min(backoff * 2, BACKOFF_CAP_SECONDS)
                self._stopping.wait(pause)  # wakes do not shorten a backoff
                continue
            self._wake.wait(pause)
        self._at_exit()

    def _log_failure(self, error: Exception) -> None:
        message = f"{type(error).__name__}: {error}"
        if message != self.last_error:  # once for each outage, not for each step
            log.warning(
                "the loop failed and tries again", loop=self.name, error=message, exc_info=not _is_expected(error)
            )
        self.last_error = message


def _is_expected(error: Exception) -> bool:
    """Tells whether something outside is down, where a traceback would say nothing more."""
    return (
        isinstance(error, LedgerUnavailable | ConnectionError | OSError) or type(error).__name__ == "ConnectionClosed"
    )
