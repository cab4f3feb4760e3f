"""Whether the storage takes files, asked at most every few seconds."""

import os
import time
from threading import Lock
from uuid import uuid4

from bureau.contracts.errors import TaskError
from bureau.storage import Storage

FRESH_SECONDS = 5.0


class StorageProbe:
    """Writes a few bytes and deletes them again: a storage that can be read only is not ready."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = Lock()
        self._at: float | None = None
        self._error: TaskError | None = None

    def check(self) -> None:
        """Raises what the storage raised."""
        with self._lock:
            if self._at is None or time.monotonic() - self._at >= FRESH_SECONDS:
                self._error = self._tried()
                self._at = time.monotonic()
            if self._error:
                raise self._error

    def _tried(self) -> TaskError | None:
        key = f"probes/gateway-{os.getpid()}-{uuid4().hex}"
        try:
            self._storage.put(key, [b"ready?"])
            self._storage.delete([key])
        except TaskError as error:
            return error
        return None
