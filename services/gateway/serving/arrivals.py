"""Keeps requests until they have arrived, in one thread for all of them, so that a slow client holds no other thread.

A connection is checked whenever bytes arrive (Linux' edge-triggered epoll); the bytes stay in the kernel, for the
server to read. A head has a deadline, a small body another. A large body is read by a thread of the server, but only so
many at once, so that threads are left for others. The number of connections per address is limited: the one that has
waited longest is closed for the next.
"""

import select
import socket
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

import structlog

from bureau.services.gateway.serving.heads import SMALL_BYTES, Arrival, arrival

C = TypeVar("C")

HEAD_SECONDS = 10.0
BODY_SECONDS = 15.0
IDLE_SECONDS = 75.0  # longer than a proxy's usual 60 s, so that the proxy, not the gateway, closes idle connections
PER_ADDRESS = 256
LOOK_SECONDS = 0.5

_EVENTS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET if hasattr(select, "epoll") else 0

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"

log = structlog.get_logger(__name__)


@dataclass
class _Arrival(Generic[C]):
    connection: C
    sock: socket.socket
    address: str
    timeout: float | None  # the socket's own, restored when it is handed over
    deadline: float
    seen: Arrival = Arrival.HEAD_MISSING
    begun: bool = False


@dataclass(frozen=True)
class Server(Generic[C]):
    """Holds what a server does with a connection: serve it in a thread or in the thread for /healthz, or close it."""

    serve: Callable[[C], None]
    serve_health: Callable[[C], None]
    close: Callable[[C], None]


@dataclass
class _Slow:
    """Holds the connections whose large bodies are being read, by address."""

    at_most: int
    each: int
    addresses: dict[int, str] = field(default_factory=dict)  # by the identity of a connection

    def enter(self, connection: object, address: str) -> bool:
        if len(self.addresses) >= self.at_most or Counter(self.addresses.values())[address] >= self.each:
            return False
        self.addresses[id(connection)] = address
        return True


class Arrivals(Generic[C]):
    """Keeps connections until their requests have arrived.

    `threads` is the server's number of threads. Its own thread starts with the first connection.
    """

    def __init__(self, server: Server[C], threads: int) -> None:
        self._server = server
        self._slow = _Slow(max(1, threads // 2), max(1, threads // 4))
        self._lock = threading.Lock()
        self._waiting: OrderedDict[int, _Arrival[C]] = OrderedDict()
        self._of_address: Counter[str] = Counter()
        self._queued: OrderedDict[int, _Arrival[C]] = OrderedDict()  # waiting for a slot
        # On systems other than Linux, a connection gets its thread at once.
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._thread: threading.Thread | None = None
        self._stopping = False

    def add(self, connection: C, sock: socket.socket, address: str, *, kept: bool = False) -> None:
        """Adds a connection from which nothing has been read yet; `kept` means that it has had a request before."""
        if self._epoll is None:
            self._server.serve(connection)
            return
        now = time.monotonic()
        seconds = 2.0 if self._stopping else IDLE_SECONDS if kept else HEAD_SECONDS
        timeout = sock.gettimeout()
        waiting = _Arrival(connection, sock, address, timeout, now + seconds)
        if timeout is not None:
            sock.setblocking(False)
        with self._lock:
            self._start()
            oldest = self._oldest(address) if self._of_address[address] >= PER_ADDRESS else None
            self._waiting[sock.fileno()] = waiting
            self._of_address[address] += 1
            self._watch(self._epoll, sock.fileno(), kept)
        if oldest is not None:
            self._close(oldest)

    @property
    def count(self) -> int:
        """Returns the number of connections that wait here."""
        return len(self._waiting) + len(self._queued)

    def is_slow(self, connection: C) -> bool:
        """Returns whether the connection's body is still arriving."""
        return id(connection) in self._slow.addresses

    def finished(self, connection: C) -> None:
        """Frees the slot of a connection whose request was answered; the next one that waits for a slot gets it."""
        if self.is_slow(connection):
            with self._lock:
                self._slow.addresses.pop(id(connection), None)

    def hurry(self, seconds: float) -> None:
        """Shortens all deadlines because the server is stopping.

        A client that has sent nothing by then is not waited for.
        """
        self._stopping = True
        ends = time.monotonic() + seconds
        with self._lock:
            for waiting in self._waiting.values():
                waiting.deadline = min(waiting.deadline, ends)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._epoll,), name="arrivals", daemon=True)
            self._thread.start()

    def _oldest(self, address: str) -> "_Arrival[C] | None":
        found = next((one for one in self._waiting.values() if one.address == address), None)
        return self._taken(found.sock.fileno()) if found else None

    def _taken(self, number: int) -> "_Arrival[C] | None":
        """Removes and returns a connection. The caller holds the lock."""
        waiting = self._waiting.pop(number, None) or self._queued.pop(number, None)
        if waiting is not None:
            self._of_address[waiting.address] -= 1
            if not self._of_address[waiting.address]:
                del self._of_address[waiting.address]
        return waiting

    @staticmethod
    def _watch(epoll: select.epoll, number: int, kept: bool) -> None:
        """Reports what has arrived and what comes.

        A kept connection is usually still known to epoll, because a small request is served without taking it out.
        """
        ways = (epoll.modify, epoll.register) if kept else (epoll.register, epoll.modify)
        try:
            ways[0](number, _EVENTS)
        except (FileNotFoundError, FileExistsError):
            ways[1](number, _EVENTS)

    def _ignore(self, number: int) -> None:
        if self._epoll is not None:
            with suppress(OSError, ValueError):  # it is closed
                self._epoll.unregister(number)

    def _run(self, epoll: select.epoll) -> None:
        expire_at = 0.0
        while True:
            try:
                for number, _ in epoll.poll(LOOK_SECONDS):
                    self._look(number)
                if time.monotonic() >= expire_at:
                    self._expire()
                    expire_at = time.monotonic() + LOOK_SECONDS
                if self._queued:
                    self._enter_queued()
            except Exception:
                log.exception("could not examine arriving connections")

    def _look(self, number: int) -> None:
        with self._lock:
            waiting = self._waiting.get(number)
        if waiting is None:
            return
        try:
            data = waiting.sock.recv(SMALL_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._take(number, self._server.close)
            return
        self._judge(number, waiting, arrival(data))

    def _judge(self, number: int, waiting: "_Arrival[C]", seen: Arrival) -> None:
        match seen:
            case Arrival.HEAD_MISSING:
                if not waiting.begun:
                    waiting.begun = True
                    waiting.deadline = min(waiting.deadline, time.monotonic() + HEAD_SECONDS)
            case Arrival.BODY_MISSING:
                if waiting.seen is not Arrival.BODY_MISSING:
                    waiting.deadline = time.monotonic() + BODY_SECONDS
            case Arrival.TOO_LARGE:
                self._take(number, partial(self._refuse, waiting.sock, _TOO_LARGE))
            case Arrival.HEALTH:
                self._take(number, self._server.serve_health)
            case Arrival.WHOLE:
                self._take(number, self._server.serve)
            case Arrival.SLOW:
                with self._lock:
                    self._waiting.pop(number, None)
                    self._queued[number] = waiting
                    waiting.deadline = time.monotonic() + BODY_SECONDS
                    self._ignore(number)  # each piece of the body would wake this thread
        waiting.seen = seen

    def _enter_queued(self) -> None:
        with self._lock:
            entering = [number for number, one in self._queued.items() if self._slow.enter(one.connection, one.address)]
        for number in entering:
            self._take(number, self._server.serve)

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [number for number, one in self._waiting.items() if one.deadline <= now]
            busy = [(number, one.sock) for number, one in self._queued.items() if one.deadline <= now]
        for number in late:
            self._take(number, self._server.close)
        for number, sock in busy:
            self._take(number, partial(self._refuse, sock, _BUSY))

    def _take(self, number: int, to: Callable[[C], None]) -> None:
        with self._lock:
            waiting = self._taken(number)
        if waiting is not None:
            if waiting.timeout is not None:
                waiting.sock.settimeout(waiting.timeout)
            to(waiting.connection)

    def _close(self, waiting: "_Arrival[C]") -> None:
        self._server.close(waiting.connection)

    def _refuse(self, sock: socket.socket, answer: bytes, connection: C) -> None:
        """Sends a short answer, which the kernel takes at once; a client that does not read it gets none."""
        with suppress(OSError):
            sock.setblocking(False)
            sock.send(answer)
        self._server.close(connection)
