"""Provides a socket for reading a large body, which gives up a client that sends too slowly."""

import socket
import time
from typing import Any

SILENT_SECONDS = 15.0  # without a byte
GRACE_SECONDS = 30.0  # after which the average counts
BYTES_PER_SECOND = 2_000  # the slowest mobile connection has several times that


class ArrivingSocket:
    """Reads as its socket does. Raises TimeoutError for a client that is silent, or slower than any real connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._began = time.monotonic()
        self._received = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int, *flags: int) -> bytes:
        self._wait()
        data = self._sock.recv(size, *flags)
        self._received += len(data)
        return data

    def recv_into(self, buffer: Any, *rest: int) -> int:
        self._wait()
        count = self._sock.recv_into(buffer, *rest)
        self._received += count
        return count

    def _wait(self) -> None:
        elapsed = time.monotonic() - self._began
        if elapsed > GRACE_SECONDS and self._received < elapsed * BYTES_PER_SECOND:
            raise TimeoutError("the body arrives too slowly")
        self._sock.settimeout(SILENT_SECONDS)
