"""Sends the ends of answers that clients read slowly, in one thread for all of them.

The server's threads leave here what the kernel has not taken at once. A client that takes nothing for a while is
closed, and so is one that reads slower than any real connection. The number of connections and the bytes that are kept
for them are limited: the one that has been here longest is closed for the next.
"""

import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from bureau.services.gateway.serving.addresses import network
from bureau.services.gateway.serving.departing_socket import BYTES_PER_SECOND, GRACE_SECONDS, SILENT_SECONDS

C = TypeVar("C")

PER_ADDRESS = 64
CONNECTIONS = 200
BYTES = 32_000_000
LOOK_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclass
class _Departure(Generic[C]):
    connection: C
    sock: socket.socket
    number: int  # of the socket
    address: str
    timeout: float | None  # the socket's own, restored when it is handed over
    rest: memoryview
    then: Callable[[C], None]
    began: float
    moved_at: float
    taken: int = 0

    def is_late(self, now: float) -> bool:
        seconds = now - self.began
        slow = seconds > GRACE_SECONDS and self.taken < seconds * BYTES_PER_SECOND
        return slow or now - self.moved_at > SILENT_SECONDS


class Departures(Generic[C]):
    """Keeps connections until their answers have left. Its thread starts with the first of them."""

    def __init__(self, close: Callable[[C], None]) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._leaving: dict[int, _Departure[C]] = {}
        self._thread: threading.Thread | None = None
        self._epoll = select.epoll() if hasattr(select, "epoll") else None

    @property
    def keeps(self) -> bool:
        """Returns whether answers can be left here; on systems other than Linux the server's threads send them."""
        return self._epoll is not None

    def add(
        self, connection: C, sock: socket.socket, address: str, rest: bytes | bytearray, then: Callable[[C], None]
    ) -> None:
        """Sends `rest` and then calls `then`. Closes the connection if that fails."""
        if self._epoll is None:
            raise RuntimeError("answers cannot be left here")
        now = time.monotonic()
        kept = memoryview(bytes(rest))
        departure = _Departure(
            connection, sock, sock.fileno(), network(address), sock.gettimeout(), kept, then, now, now
        )
        sock.setblocking(False)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(self._epoll,), name="departures", daemon=True)
                self._thread.start()
            others = self._make_room(departure)
            self._leaving[departure.number] = departure
            self._epoll.register(departure.number, select.EPOLLOUT)
        for other in others:
            self._close(other.connection)

    def _make_room(self, coming: _Departure[C]) -> list[_Departure[C]]:
        """Takes out what must be closed for one more connection."""
        taken = []
        while (address := self._too_many(coming)) is not None:
            oldest = next(one for one in self._leaving.values() if one.address == address)
            self._forget(oldest)
            taken.append(oldest)
        return taken

    def _too_many(self, coming: _Departure[C]) -> str | None:
        """Returns the address whose oldest connection has to go; None if there is room."""
        of_address = Counter(one.address for one in self._leaving.values())
        if of_address[coming.address] >= PER_ADDRESS:
            return coming.address
        size = sum(len(one.rest) for one in self._leaving.values()) + len(coming.rest)
        if self._leaving and (len(self._leaving) >= CONNECTIONS or size > BYTES):
            return of_address.most_common(1)[0][0]
        return None

    def _forget(self, departure: _Departure[C]) -> bool:
        """Returns whether the departure was still here. The caller holds the lock."""
        if self._leaving.get(departure.number) is not departure:
            return False
        del self._leaving[departure.number]
        if self._epoll is not None:
            with suppress(OSError, ValueError):  # it is closed
                self._epoll.unregister(departure.number)
        return True

    def _run(self, epoll: select.epoll) -> None:
        look_at = 0.0
        while True:
            try:
                for number, _ in epoll.poll(LOOK_SECONDS):
                    self._send(number)
                now = time.monotonic()
                if now >= look_at:
                    look_at = now + LOOK_SECONDS
                    with self._lock:
                        late = [one for one in self._leaving.values() if one.is_late(now)]
                    for departure in late:
                        self._end(departure, self._close)
            except Exception:
                log.exception("could not send the ends of answers")

    def _send(self, number: int) -> None:
        with self._lock:
            departure = self._leaving.get(number)
        if departure is None:
            return
        try:
            count = departure.sock.send(departure.rest)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._end(departure, self._close)
            return
        departure.rest = departure.rest[count:]
        departure.taken += count
        departure.moved_at = time.monotonic()
        if not departure.rest:
            self._end(departure, departure.then)

    def _end(self, departure: _Departure[C], to: Callable[[C], None]) -> None:
        with self._lock:
            found = self._forget(departure)
        if found:
            with suppress(OSError):  # it is closed, as whoever gets the connection will see
                departure.sock.settimeout(departure.timeout)
            to(departure.connection)
