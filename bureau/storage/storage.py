"""Defines `Storage`, which puts, writes, reads, opens, deletes and lists files by key."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import obstore
from obstore.store import ObjectStore

from bureau.storage.backends import Backend, backend_from_url
from bureau.storage.errors import TooLarge, exists, missing, storage_errors, unavailable
from bureau.storage.keys import check_key, check_prefix
from bureau.storage.reader import WINDOW_BYTES, open_ranges
from bureau.storage.writer import StorageWriter

CHUNK_BYTES = 256 * 1024
DELETE_BATCH = 1000  # S3's limit for one request


@dataclass(frozen=True)
class StoredFile:
    """Describes a complete file: `size` in bytes, `sha256` in hex."""

    key: str
    size: int
    sha256: str


class Storage:
    """Stores files by key. All methods raise `TransientError` (`storage_unavailable`) while the storage is down.

    Keys are relative paths (`jobs/<job>/<task>.1.<artifact>`); for others it raises ValueError. Threads may share a
    storage. The store is made on first use in each process, because obstore hangs in a child that was forked after its
    first use. So a process that forks workers must not have used it.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._connected: tuple[int, ObjectStore] | None = None

    @classmethod
    def from_url(cls, url: str) -> "Storage":
        """Returns the storage of a URL, without I/O. Raises ValueError for an invalid URL.

        The forms are `file://relative/path`, `file:///absolute/path` and `s3://bucket/prefix?endpoint=…&region=…`.
        """
        return cls(backend_from_url(url))

    def put(self, key: str, source: BinaryIO | Iterable[bytes], *, limit_bytes: int | None = None) -> StoredFile:
        """Streams `source` to `key`. Raises `TooLarge` as soon as it has more than `limit_bytes`.

        Also raises as `writer` does.
        """
        with self.writer(key) as writer:
            for chunk in _chunks(source):
                if limit_bytes is not None and writer.size + len(chunk) > limit_bytes:
                    raise TooLarge(limit_bytes)
                writer.write(chunk)
        return StoredFile(key, writer.size, writer.sha256)

    @contextmanager
    def writer(self, key: str) -> Iterator[StorageWriter]:
        """Opens a file for writing. It becomes visible when the block ends; after an exception nothing remains of it.

        Raises `PermanentError` (`file_exists`) for a key that already has a file, because a file must always match the
        checksum in the ledger. Keys contain fresh ids, so no two writers race for one.
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
        with storage_errors():
            self._backend.settle(key)

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Returns the bytes [start, end) in chunks of about 256 KiB; `end` is cut to the file's size.

        Raises `PermanentError` (`file_missing`) at once for a missing file, not at the first chunk.
        """
        size = self._size(check_key(key))
        return self._ranges(key, max(start, 0), size if end is None else min(end, size))

    def open(self, key: str) -> BinaryIO:
        """Opens a file for reading; it is seekable and holds at most 1 MiB in memory.

        Raises `PermanentError` (`file_missing`).
        """
        size = self._size(check_key(key))
        return open_ranges(lambda start, end: self._fetch(key, start, end), size)

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes files and ignores missing ones. It accepts all keys that `list` yields."""
        batch: list[str] = []
        for key in keys:
            batch.append(_check_listed(key))
            if len(batch) == DELETE_BATCH:
                self._delete(batch)
                batch = []
        self._delete(batch)

    def list(self, prefix: str) -> Iterator[str]:
        """Yields the keys in a folder and below it (`jobs/<job>/`; `""` is everything), in no order.

        A folder on disk may contain unfinished files (`key#1`) that are being written or were left by a killed process.
        """
        for key, _ in self.list_written(prefix):
            yield key

    def list_written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Yields the same keys, each with the time its file was written, by the storage's clock."""
        folder = check_prefix(prefix).removesuffix("/")
        with storage_errors():
            yield from self._backend.list(self._store(), folder)

    def used_share(self) -> float | None:
        """Returns the used share of the folder's file system, from 0 to 1; None for a bucket, which has no limit."""
        with storage_errors():
            return self._backend.used_share()

    def _store(self) -> ObjectStore:
        if self._connected is None or self._connected[0] != os.getpid():
            self._connected = (os.getpid(), self._backend.connect())
        return self._connected[1]

    def _open_for_writing(self, key: str) -> ObjectStore:
        with storage_errors():
            store = self._store()
            try:
                self._backend.size(store, key)
            except FileNotFoundError:
                if not self._backend.present(store):
                    raise unavailable() from None
                return store
        raise exists()

    def _size(self, key: str) -> int:
        with self._missing_file_errors():
            return self._backend.size(self._store(), key)

    def _fetch(self, key: str, start: int, end: int) -> bytes:
        with self._missing_file_errors():
            return obstore.get_range(self._store(), key, start=start, end=end).to_bytes()

    @contextmanager
    def _missing_file_errors(self) -> Iterator[None]:
        with storage_errors():
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
        with storage_errors():
            self._backend.delete(self._store(), keys)


def _check_listed(key: str) -> str:
    """Returns `key`, or raises ValueError; the mark of an unfinished file is allowed."""
    check_key(key.rsplit("#", 1)[0] if key.rsplit("#", 1)[-1].isdigit() else key)
    return key


def _chunks(source: BinaryIO | Iterable[bytes]) -> Iterator[bytes]:
    if hasattr(source, "read"):
        while chunk := source.read(CHUNK_BYTES):
            yield chunk
    else:
        yield from source
