"""Reads a stored file as a seekable Python file, in ranges."""

import io
from collections.abc import Callable
from typing import BinaryIO

WINDOW_BYTES = 1024 * 1024  # the size of one request to S3, and the memory that an open file takes


class RangeReader(io.RawIOBase):
    """Reads ranges on demand. It holds no connection open, so no request of a slow reader times out."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek before the start of the file: {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed's Buffer cannot be sliced
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        data = self._fetch(self._position, end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def open_ranges(fetch: Callable[[int, int], bytes], size: int) -> BinaryIO:
    """Returns a buffered file of `size` bytes; `fetch(start, end)` returns the bytes of a range."""
    return io.BufferedReader(RangeReader(fetch, size), buffer_size=min(max(size, 1), WINDOW_BYTES))
