"""A file being written: counted and hashed on the way."""

import hashlib
from types import TracebackType
from typing import Protocol

from bureau.contracts.errors import TransientError
from bureau.storage.errors import storage_trouble


class Sink(Protocol):
    """obstore's `WritableFile`: complete at `close`, gone without a trace when left with an exception."""

    def write(self, buffer: bytes, /) -> int: ...
    def close(self) -> None: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class StorageWriter:
    """Takes the bytes of one file. `size` and `sha256` (hex) speak of what was written so far."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes, /) -> int:
        with storage_trouble():
            self._sink.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def complete(self) -> None:
        """Makes the file visible, all at once."""
        with storage_trouble():
            self._sink.close()

    def abort(self, error: BaseException) -> None:
        """Drops what was written, parts already in the bucket included."""
        try:
            with storage_trouble():
                self._sink.__exit__(type(error), error, error.__traceback__)
        except TransientError as failed:
            # The reason for aborting matters more; unfinished parts are invisible and expire by the bucket's rule.
            error.add_note(f"storage: the unfinished file could not be removed: {failed.__cause__}")
