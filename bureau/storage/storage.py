"""`Storage`: put, write, read, open, delete and list files by key."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import obstore
from obstore.store import ObjectStore

from bureau.storage.backends import Backend, backend_from_url
from bureau.storage.errors import TooLarge, exists, missing, storage_trouble, unavailable
from bureau.storage.keys import check_key, check_prefix
from bureau.storage.reader import WINDOW_BYTES, open_ranges
from bureau.storage.writer import StorageWriter

CHUNK_BYTES = 256 * 1024
DELETE_BATCH = 1000  # S3's limit for one request


@dataclass(frozen=True)
class StoredFile:
    """A complete file: `size` in bytes, `sha256` in hex."""

    key: str
    size: int
    sha256: str


class Storage:
    """Files by key. Raises `TransientError` (`storage_unavailable`) while the storage is away.

    Keys are relative paths (`jobs/<job>/<task>.1.<artifact>`); others are a ValueError. Threads may share one.
    The store is made on first use in each process: obstore hangs in a child forked after its first use, so a
    process that forks workers must not have used it.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._connected: tuple[int, ObjectStore] | None = None

    @classmethod
    def from_url(cls, url: str) -> "Storage":
        """`file://relative/path`, `file:///absolute/path` or `s3://bucket/prefix?endpoint=…&region=…`. No I/O."""
        return cls(backend_from_url(url))

    def put(self, key: str, source: BinaryIO | Iterable[bytes], *, limit_bytes: int | None = None) -> StoredFile:
        """Streams `source` to `key`. Raises `TooLarge` as soon as it has more than `limit_bytes`."""
        with self.writer(key) as writer:
            for chunk in _chunks(source):
                if limit_bytes is not None and writer.size + len(chunk) > limit_bytes:
                    raise TooLarge(limit_bytes)
                writer.write(chunk)
        return StoredFile(key, writer.size, writer.sha256)

    @contextmanager
    def writer(self, key: str) -> Iterator[StorageWriter]:
        """A file to write. It becomes visible when the block ends; an exception in it leaves nothing behind.

        Raises `PermanentError` (`file_exists`) for a key already written: a file never changes under the
        checksum that the ledger holds. Keys hold fresh ids, so no two writers race for one.
        """
        store = self._open_for_writing(check_key(key))
        writer = StorageWriter(
            obstore.open_writer(
                store, key, buffer_size=self._backend.part_bytes, max_concurrency=self._backend.parts_at_once
            )
        )
        try:
            yield writer
            writer.complete()
        except BaseException as error:
            writer.abort(error)
            raise
        with storage_trouble():
            self._backend.settle(key)

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes [start, end) in chunks of about 256 KiB, `end` cut to the file's size.

        A missing file is `PermanentError` (`file_missing`), raised here and not at the first chunk.
        """
        size = self._size(check_key(key))
        return self._ranges(key, max(start, 0), size if end is None else min(end, size))

    def open(self, key: str) -> BinaryIO:
        """The file, seekable, holding at most 1 MiB in memory. A missing one is `PermanentError` (`file_missing`)."""
        size = self._size(check_key(key))
        return open_ranges(lambda start, end: self._fetch(key, start, end), size)

    def delete(self, keys: Iterable[str]) -> None:
        """Removes files; missing ones are fine. Takes what `list` yields."""
        batch: list[str] = []
        for key in keys:
            batch.append(_check_listed(key))
            if len(batch) == DELETE_BATCH:
                self._delete(batch)
                batch = []
        self._delete(batch)

    def list(self, prefix: str) -> Iterator[str]:
        """The keys in a folder and below it (`jobs/<job>/`; `""` is everything), in no order.

        In a folder on disk these may include unfinished files (`key#1`), being written or left by a killed process.
        """
        for key, _ in self.list_written(prefix):
            yield key

    def list_written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """The same keys, each with the time its file was written, by the storage's clock."""
        folder = check_prefix(prefix).removesuffix("/")
        with storage_trouble():
            yield from self._backend.list(self._store(), folder)

    def used_share(self) -> float | None:
        """Of the file system that the folder is on, from 0 to 1; None of a bucket, which has no end."""
        with storage_trouble():
            return self._backend.used_share()

    def _store(self) -> ObjectStore:
        if self._connected is None or self._connected[0] != os.getpid():
            self._connected = (os.getpid(), self._backend.connect())
        return self._connected[1]

    def _open_for_writing(self, key: str) -> ObjectStore:
        with storage_trouble():
            store = self._store()
            try:
                self._backend.size(store, key)
            except FileNotFoundError:
                if not self._backend.present(store):
                    raise unavailable() from None
                return store
        raise exists()

    def _size(self, key: str) -> int:
        with self._finding():
            return self._backend.size(self._store(), key)

    def _fetch(self, key: str, start: int, end: int) -> bytes:
        with self._finding():
            return obstore.get_range(self._store(), key, start=start, end=end).to_bytes()

    @contextmanager
    def _finding(self) -> Iterator[None]:
        with storage_trouble():
            try:
                yield
            except FileNotFoundError:
                if not self._backend.present(self._store()):
                    raise unavailable() from None
                raise missing() from None

    def _ranges(self, key: str, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            window = self._fetch(key, start, min(start + WINDOW_BYTES, end))
            for offset in range(0, len(window), CHUNK_BYTES):
                yield window[offset : offset + CHUNK_BYTES]
            start += len(window)

    def _delete(self, keys: Sequence[str]) -> None:
        with storage_trouble():
            self._backend.delete(self._store(), keys)


def _check_listed(key: str) -> str:
    """`key`, or ValueError; an unfinished file's mark is allowed."""
    check_key(key.rsplit("#", 1)[0] if key.rsplit("#", 1)[-1].isdigit() else key)
    return key


def _chunks(source: BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    if hasattr(source, "read"):
        while chunk := source.read(CHUNK_BYTES):
            yield chunk
    else:
        yield from source
