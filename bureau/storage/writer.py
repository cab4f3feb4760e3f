"""Writes one file to the storage, and counts and hashes its bytes on the way."""

import hashlib
from types import TracebackType
from typing import Protocol

from bureau.contracts.errors import TransientError
from bureau.storage.errors import storage_errors


class Sink(Protocol):
    """Defines the interface of obstore's `WritableFile`: `close` completes the file, an exception drops it."""

    def write(self, buffer: bytes, /) -> int: ...
    def close(self) -> None: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class StorageWriter:
    """Takes the bytes of one file. `size` (bytes) and `sha256` (hex) cover the bytes written so far."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes, /) -> int:
        with storage_errors():
            self._sink.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def complete(self) -> None:
        """Makes the whole file visible at once."""
        with storage_errors():
            self._sink.close()

    def abort(self, error: BaseException) -> None:
        """Drops the written bytes, also parts that are already in the bucket."""
        try:
            with storage_errors():
                self._sink.__exit__(type(error), error, error.__traceback__)
        except TransientError as failed:
            # The reason for aborting matters more; unfinished parts are invisible, and the bucket's rule deletes them.
            error.add_note(f"storage: the unfinished file could not be removed: {failed.__cause__}")
