"""Decides whether a process stamps the hints of tasks as it inserts them: while the window of the queue has room.

A process caches what it read of a window for a moment. So two processes may overdraw it slightly, which costs only a
few hints that come before tasks of a higher priority submitted later. Tasks that wait without a hint are never
overtaken: while there are any, nothing is stamped here, and the relay takes all tasks by rank.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import hints, workers
from bureau.ledger.dispatch.workers import QueueWorkers

LIVE_SECONDS = 1.0  # how long the list of live queues is cached
FRESH_SECONDS = 0.25  # how long a window is cached
AGAIN_SECONDS = 0.05  # how long a full window is cached, so that a small one is not read at every submission
AGEING_SECONDS, AGEING_AGAIN_SECONDS = 0.1, 0.04  # after these the two are read anew before anybody has to wait for it


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
        self._refreshing: set[str] = set()
        self._live: dict[str, QueueWorkers] = {}
        self._live_at = float("-inf")

    def look(self, queues: Iterable[str]) -> None:
        """Reads the windows of these queues that are not cached. Raises `LedgerUnavailable`."""
        for queue in queues:
            if not self._is_fresh(queue):
                view = self._read(queue)
                with self._lock:
                    self._views[queue], self._read_at[queue] = view, self._clock()

    def ageing(self, queues: Iterable[str]) -> list[str]:
        """Returns those of the queues that must be read soon, each once: the caller sees to it that `refresh` does."""
        with self._lock:
            found = [queue for queue in queues if queue not in self._refreshing and self._is_ageing(queue)]
            self._refreshing.update(found)
        return found

    def refresh(self, queues: Iterable[str]) -> None:
        """Reads the windows of these queues; places that are taken meanwhile stay taken.

        While the ledger is away the views expire, and the next `look` says so.
        """
        for queue in queues:
            before = self.view(queue)
            try:
                view = self._read(queue)
            except LedgerUnavailable:
                continue
            finally:
                with self._lock:
                    self._refreshing.discard(queue)
            with self._lock:
                taken = max(before.left - self._views.get(queue, before).left, 0)
                ahead = None if view.ahead is None else view.ahead + taken
                self._views[queue] = replace(view, left=max(view.left - taken, 0), ahead=ahead)
                self._read_at[queue] = self._clock()

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
            believed = AGAIN_SECONDS if _is_full(view) else FRESH_SECONDS
            return self._clock() - self._read_at[queue] < believed

    def _is_ageing(self, queue: str) -> bool:
        view = self._views.get(queue)
        if view is None:
            return False
        believed = AGEING_AGAIN_SECONDS if _is_full(view) else AGEING_SECONDS
        return self._clock() - self._read_at[queue] >= believed

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


def _is_full(view: QueueView) -> bool:
    return not view.left and view.ahead is not None
