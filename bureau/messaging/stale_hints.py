"""Notices when most hints of a queue are stale: for tasks that ended, are not due, or never were.

Then the consumer looks up what has arrived, in one statement, before worker threads claim it. Otherwise each stale hint
would occupy a thread and take part in a transaction. While most hints are good, the look-up would be a cost of every
job and is left out.
"""

import threading
from collections.abc import Callable, Collection
from uuid import UUID

LookUp = Callable[[Collection[UUID]], Collection[UUID]]
"""Returns those tasks of a queue that are ready. Raises `LedgerUnavailable`."""

MANY = 20
AT_MOST = 40  # as many good hints end the looking up


class StaleHints:
    """Counts the stale hints of a queue against the good ones, for many threads."""

    def __init__(self, look_up: LookUp) -> None:
        self.ready = look_up
        self.many = False  # whether more hints were stale than good lately
        self._surplus = 0
        self._lock = threading.Lock()

    def saw(self, *, stale: int, good: int) -> None:
        with self._lock:
            self._surplus = min(AT_MOST, max(0, self._surplus + stale - good))
            if self._surplus >= MANY:
                self.many = True
            elif self._surplus == 0:
                self.many = False
