"""Deletes orphans: files in storage that no row of the ledger names and that are older than a day.

A killed worker leaves the files that its claim wrote; a killed gateway leaves the uploads of an unfinished submission.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog

from bureau.contracts.errors import TaskError
from bureau.ledger.db.database import Database
from bureau.ledger.retention.orphan_query import orphan_keys
from bureau.storage import Storage

FOLDERS = ("jobs", "uploads")
MIN_AGE = timedelta(days=1)
BATCH = 500
BUSY_SECONDS = 0.1
IDLE_SECONDS = 30.0
PAUSE_SECONDS = 6 * 3600.0

log = structlog.get_logger(__name__)


class OrphanSweep:
    """Deletes a batch of orphans at each `step`, which a loop calls.

    It lists the whole storage once, batch by batch, and begins again hours after the end.
    """

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db = db
        self._storage = storage
        self._listing: Iterator[tuple[str, datetime]] | None = None
        self._next_listing_at = time.monotonic()

    def step(self) -> float:
        if self._listing is None:
            if time.monotonic() < self._next_listing_at:
                return IDLE_SECONDS
            self._listing = (file for folder in FOLDERS for file in self._storage.list_written(folder))
        try:
            files = list(islice(self._listing, BATCH))
            self._delete_orphans(files)
        except TaskError as error:
            self._listing = None
            raise ConnectionError(error.message) from error
        if len(files) < BATCH:
            self._listing = None
            self._next_listing_at = time.monotonic() + PAUSE_SECONDS
        return BUSY_SECONDS

    def _delete_orphans(self, files: Iterable[tuple[str, datetime]]) -> None:
        """Deletes those files that are old and that no row names.

        It compares the storage's clock with this machine's; their difference does not matter against a day.
        """
        old_keys = [key for key, written in files if datetime.now(UTC) - written > MIN_AGE]
        found = orphan_keys(self._db, old_keys)
        self._storage.delete(found)
        if found:
            log.info("deleted orphan files", files=len(found))
