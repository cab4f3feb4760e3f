"""Knows which tasks the live workers of a queue have: a hint for another one would only take room and be dropped."""

import time
from collections.abc import Mapping
from datetime import datetime

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch.announced import Catalogs, announced
from bureau.ledger.dispatch.workers import QueueWorkers

AGAIN_SECONDS = 10.0  # the longest that a change is missed which neither number nor start of the workers shows


class ServedRuns:
    """Reads the catalogs of live workers again when a worker came or went."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: Catalogs = {}
        self._live: dict[str, tuple[int, datetime | None]] = {}
        self._until = 0.0
        self._runs: dict[str, set[str]] = {}

    def update(self, live: Mapping[str, QueueWorkers]) -> None:
        """Takes the queues that have a live worker. Raises `LedgerUnavailable`."""
        seen = {queue: (one.workers, one.newest) for queue, one in live.items()}
        if seen == self._live and time.monotonic() < self._until:
            return
        runs: dict[str, set[str]] = {}
        for queue, run in announced(self._db, self._known).served:
            runs.setdefault(queue, set()).add(run)
        whole = live.keys() <= runs.keys()  # a worker that registers between the statements has no catalog yet
        self._runs, self._live = runs, seen
        self._until = time.monotonic() + AGAIN_SECONDS if whole else 0.0

    def runs(self, queue: str) -> frozenset[str]:
        """Returns the names of the tasks that a live worker of the queue has."""
        return frozenset(self._runs.get(queue, ()))
