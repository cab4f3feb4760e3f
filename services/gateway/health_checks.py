"""Checks whether the storage takes files, and how full it is, at most every few seconds."""

import os
import time
from dataclasses import dataclass
from threading import Lock
from uuid import uuid4

from bureau.contracts.errors import TaskError
from bureau.storage import Storage

FRESH_SECONDS = 5.0
# The last tenth of a disk sized for months holds days of growth, and file systems get slow in it: a warning at this
# point leaves time to act while everything still works.
NEARLY_FULL_PERCENT = 90


@dataclass(frozen=True)
class StorageState:
    """Holds the storage's state.

    `error` says why it takes no files. `used_percent` is of its file system; None while it is unavailable, and for a
    bucket.
    """

    error: TaskError | None
    used_percent: int | None

    @property
    def warning(self) -> str | None:
        """Returns the warning about what will soon go wrong."""
        if self.used_percent is None or self.used_percent < NEARLY_FULL_PERCENT:
            return None
        return (
            f"Its file system is {self.used_percent} % full. When it is full, files are refused: "
            "make it larger, or keep files for fewer days (KEEP_*_DAYS)."
        )


class StorageProbe:
    """Writes a few bytes and deletes them again, because a storage that can only be read is not ready."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = Lock()
        self._at: float | None = None
        self._state = StorageState(None, None)

    def look(self) -> StorageState:
        with self._lock:
            if self._at is None or time.monotonic() - self._at >= FRESH_SECONDS:
                self._state = self._tried()
                self._at = time.monotonic()
            return self._state

    def _tried(self) -> StorageState:
        key = f"probes/gateway-{os.getpid()}-{uuid4().hex}"
        try:
            self._storage.put(key, [b"ready?"])
            self._storage.delete([key])
            return StorageState(None, _percent(self._storage.used_share()))
        except TaskError as error:
            return StorageState(error, None)


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)
