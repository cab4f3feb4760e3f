"""Provides a socket for sending an answer, so that a client that reads slowly holds no thread, or only for a while."""

import os
import select
import socket
import time
from collections.abc import Callable
from typing import Any

KEPT_BYTES = 1_000_000  # of an answer, which another thread may send
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 1.0  # of waiting, after which a client that reads slowly needs a slot
FAST_BYTES_PER_SECOND = 64_000  # a client that takes as much does not read slowly
SILENT_SECONDS = 30.0  # in which the client has taken nothing
GRACE_SECONDS = 30.0  # of waiting, after which the average counts
BYTES_PER_SECOND = 2_000  # the slowest mobile connection has several times that


class DepartingSocket:
    """Sends as its socket does, without waiting for the client as far as possible.

    With `keeps`, what the kernel does not take is kept in `rest`, up to a limit, for another thread to send. Otherwise
    the thread waits. Only that time counts, so an event stream that has little to say is not slow. It raises
    TimeoutError for a client that stops reading, that reads too slowly, or that reads slowly and for which no thread
    `may_wait`.
    """

    def __init__(self, sock: socket.socket, may_wait: Callable[[], bool]) -> None:
        self.keeps = False
        self.rest = bytearray()
        self._sock = sock
        self._may_wait = may_wait
        self._admitted = False
        self._waited = self._silent = 0.0
        self._taken = 0  # bytes, since a thread waits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def send(self, data: Any, *_flags: int) -> int:
        """Sends or keeps all of the data, unlike a socket. Returns their length."""
        self.sendall(data)
        return len(data)

    def sendall(self, data: Any, *_flags: int) -> None:
        count = 0 if self.rest else _sent(self._sock, data)
        if count == len(data):
            return
        self.rest += memoryview(data)[count:]
        if not self.keeps or len(self.rest) > KEPT_BYTES:
            self._send_rest()

    def _send_rest(self) -> None:
        poll = select.poll()
        poll.register(self._sock, select.POLLOUT)
        left = memoryview(bytes(self.rest))
        self.rest.clear()
        while left:
            began = time.monotonic()
            poll.poll(LOOK_SECONDS * 1000)
            count = _sent(self._sock, left)
            left = left[count:]
            self._has_waited(time.monotonic() - began, count)

    def _has_waited(self, seconds: float, count: int) -> None:
        self._waited += seconds
        self._taken += count
        self._silent = 0.0 if count else self._silent + seconds
        if self._waited > PATIENCE_SECONDS and self._taken < self._waited * FAST_BYTES_PER_SECOND:
            self._admitted = self._admitted or self._may_wait()
            if not self._admitted:
                raise TimeoutError("timed out")  # cheroot knows these words
        too_slow = self._waited > GRACE_SECONDS and self._taken < self._waited * BYTES_PER_SECOND
        if too_slow or self._silent > SILENT_SECONDS:
            raise TimeoutError("timed out")


def _sent(sock: socket.socket, data: Any) -> int:
    """Returns how many bytes the kernel takes now."""
    try:
        if sock.gettimeout() is None:
            return sock.send(data, socket.MSG_DONTWAIT)
        return os.write(sock.fileno(), data)  # `send` would wait for the socket's timeout
    except BlockingIOError:
        return 0
