"""Decides whether a process stamps the hints of tasks as it inserts them: while the window of the queue has room.

A process caches what it read of a window for a moment. So two processes may overdraw it slightly, which costs only a
few hints that come before tasks of a higher priority submitted later. Tasks that wait without a hint are never
overtaken: while there are any, nothing is stamped here, and the relay takes all tasks by rank.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch import hints, workers
from bureau.ledger.dispatch.workers import QueueWorkers

LIVE_SECONDS = 1.0  # how long the list of live queues is cached
FRESH_SECONDS = 0.25  # how long a window is cached
AGAIN_SECONDS = 0.05  # how long a full window is cached, so that a small one is not read at every submission


@dataclass(frozen=True)
class QueueView:
    """Holds what this process knows of a queue. `served` sums up its live workers; None if there are none.

    `ahead` tasks have a hint and are not claimed yet; None if the window has no room for more. `left` more tasks may be
    stamped here.
    """

    served: QueueWorkers | None = None
    paused: bool = False
    ahead: int | None = None
    left: int = 0


class HintRoom:
    """Counts the room of windows for many threads. If `publishes` says that the broker is away, nothing is stamped."""

    def __init__(
        self, db: Database, publishes: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._publishes = publishes
        self._clock = clock
        self._lock = Lock()
        self._views: dict[str, QueueView] = {}
        self._read_at: dict[str, float] = {}
        self._live: dict[str, QueueWorkers] = {}
        self._live_at = float("-inf")

    def look(self, queues: Iterable[str]) -> None:
        """Reads the windows of these queues that are not cached. Raises `LedgerUnavailable`."""
        for queue in queues:
            if not self._is_fresh(queue):
                view = self._read(queue)
                with self._lock:
                    self._views[queue], self._read_at[queue] = view, self._clock()

    def take(self, queue: str) -> bool:
        """Takes a place if there is one. Returns whether the next task of the queue gets its hint with its insert."""
        with self._lock:
            view = self._views.get(queue)
            if view is None or view.left <= 0:
                return False
            self._views[queue] = replace(view, left=view.left - 1, ahead=(view.ahead or 0) + 1)
        return True

    def view(self, queue: str) -> QueueView:
        """Returns what was read last, or an empty view if `look` never read the queue."""
        with self._lock:
            return self._views.get(queue, QueueView())

    def _is_fresh(self, queue: str) -> bool:
        with self._lock:
            view = self._views.get(queue)
            if view is None:
                return False
            believed = FRESH_SECONDS if view.left or view.ahead is None else AGAIN_SECONDS
            return self._clock() - self._read_at[queue] < believed

    def _read(self, queue: str) -> QueueView:
        served = self._served().get(queue)
        if served is None:
            return QueueView()
        use = hints.window_use(self._db, queue, served.window)
        if use.paused or use.backlog:
            return QueueView(served, use.paused)
        room = served.window - use.hinted if self._publishes() else 0
        if room <= 0:
            return QueueView(served)
        return QueueView(served, False, use.hinted, (room + 1) // 2)  # half: another process may stamp as well

    def _served(self) -> dict[str, QueueWorkers]:
        if self._clock() - self._live_at >= LIVE_SECONDS:
            self._live, self._live_at = workers.served(self._db), self._clock()
        return self._live
