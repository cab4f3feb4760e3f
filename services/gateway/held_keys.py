"""Releases idempotency keys, later if the ledger is unavailable now."""

from collections import deque
from threading import Event, Lock, Thread

import structlog

from bureau.ledger.access import idempotency
from bureau.ledger.access.idempotency import Reservation
from bureau.ledger.db.database import Database, LedgerUnavailable

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0  # a client that reads 409 comes again after a second

log = structlog.get_logger(__name__)


class HeldKeys:
    """Releases the keys that requests of this process reserved.

    An outage of the ledger that fails a request fails the release of its key too, and the key would refuse the
    repeated request until its holding time is over. So a thread releases such keys as soon as the ledger answers. It
    lives only while there are any. They are few: no key is reserved during an outage.
    """

    def __init__(self, database: Database, stopping: Event) -> None:
        self.database = database
        self._stopping = stopping
        self._held: deque[Reservation] = deque()
        self._lock = Lock()
        self._thread: Thread | None = None

    def release(self, held: Reservation) -> None:
        """Releases the key now, or as soon as the ledger answers. It raises nothing that an outage causes."""
        try:
            idempotency.release(self.database, held)
        except LedgerUnavailable:
            log.warning("the idempotency key stays reserved until the ledger is available")
            self._release_later(held)

    def _release_later(self, held: Reservation) -> None:
        with self._lock:
            self._held.append(held)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="held keys", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while (held := self._next()) is not None:
            try:
                idempotency.release(self.database, held)
                pause = FIRST_PAUSE_SECONDS
            except LedgerUnavailable:
                self._held.appendleft(held)
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except Exception:
                log.exception("an idempotency key stays reserved until its holding time is over")

    def _next(self) -> Reservation | None:
        """Returns a key to release; None ends the thread."""
        with self._lock:
            if self._held and not self._stopping.is_set():
                return self._held.popleft()
            self._thread = None
            return None
