"""Files in storage that no row knows and that are older than a day: they are deleted.

A worker that was killed leaves what its claim wrote, a gateway what a submission brought whose end it did not see.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog

from bureau.contracts.errors import TaskError
from bureau.ledger.db.database import Database
from bureau.ledger.retention import orphans
from bureau.storage import Storage

FOLDERS = ("jobs", "uploads")
OLD = timedelta(days=1)
BATCH = 500
BUSY_SECONDS = 0.1
IDLE_SECONDS = 30.0
AGAIN_SECONDS = 6 * 3600.0

log = structlog.get_logger(__name__)


class LitterSweep:
    """`step` is a loop's: a batch of one walk through the storage. The next walk begins hours after."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db = db
        self._storage = storage
        self._walk: Iterator[tuple[str, datetime]] | None = None
        self._walks_at = time.monotonic()

    def step(self) -> float:
        if self._walk is None:
            if time.monotonic() < self._walks_at:
                return IDLE_SECONDS
            self._walk = (file for folder in FOLDERS for file in self._storage.list_written(folder))
        try:
            files = list(islice(self._walk, BATCH))
            self._delete_unknown(files)
        except TaskError as error:
            self._walk = None
            raise ConnectionError(error.message) from error
        if len(files) < BATCH:
            self._walk = None
            self._walks_at = time.monotonic() + AGAIN_SECONDS
        return BUSY_SECONDS

    def _delete_unknown(self, files: Iterable[tuple[str, datetime]]) -> None:
        """By the storage's clock and this machine's: against a day their difference is nothing."""
        old = [key for key, written in files if datetime.now(UTC) - written > OLD]
        unknown = orphans.unknown(self._db, old)
        self._storage.delete(unknown)
        if unknown:
            log.info("files that no row knows were deleted", files=len(unknown))
