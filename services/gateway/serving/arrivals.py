"""Keeps requests until they have arrived, in one thread for all of them, so that a slow client holds no other thread.

A connection is checked whenever bytes arrive (Linux' edge-triggered epoll); the bytes stay in the kernel, for the
server to read. A head has a deadline, a small body another. A large body is read by a thread of the server, but only so
many at once, so that threads are left for others. The number of connections is limited, per address and altogether: the
one that has waited longest is closed for the next. A connection that ends is kept here for a moment, until its client
has the answer.
"""

import select
import socket
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

import structlog

from bureau.services.gateway.serving.heads import SMALL_BYTES, Arrival, arrival, small_request
from bureau.services.gateway.serving.slow_clients import SlowClients
from bureau.services.gateway.serving.sockets import available, discard, has_room, send_briefly, watch
from bureau.services.gateway.serving.waiting import Server, Waiting

C = TypeVar("C")

HEAD_SECONDS = 10.0
BODY_SECONDS = 15.0
IDLE_SECONDS = 75.0  # longer than a proxy's usual 60 s, so that the proxy, not the gateway, closes idle connections
PER_ADDRESS = 256
CONNECTIONS = 800  # of all addresses; many systems let a process have 1024 files
LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024
LOOKS = 8  # at one connection as soon as bytes arrive; then now and then, because one byte may be all each time
LOOK_SECONDS = 0.5
DRIP_SECONDS = 0.25

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"

log = structlog.get_logger(__name__)


class Arrivals(Generic[C]):
    """Keeps connections until their requests have arrived.

    `threads` is the server's number of threads. Its own thread starts with the first connection.
    """

    def __init__(self, server: Server[C], threads: int) -> None:
        self._server = server
        self._slow = SlowClients(threads)
        self._lock = threading.Lock()
        self._waiting: OrderedDict[int, Waiting[C]] = OrderedDict()
        self._of_address: Counter[str] = Counter()
        self._queued: OrderedDict[int, Waiting[C]] = OrderedDict()  # waiting for a slot
        self._dripping: dict[int, Waiting[C]] = {}  # those of the waiting ones that were looked at very often
        # On systems other than Linux, a connection gets its thread at once.
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._thread: threading.Thread | None = None
        self._stopping = False

    def add(
        self, connection: C, sock: socket.socket, address: str, *, kept: bool = False, already: bytes = b""
    ) -> None:
        """Adds a connection that waits for its next request; `kept` means that it has had one before.

        `already` is what the server has read of the next request.
        """
        if self._epoll is None:
            self._server.serve(connection)
            return
        seen = arrival(already) if already else Arrival.HEAD_MISSING
        if seen not in (Arrival.HEAD_MISSING, Arrival.BODY_MISSING, Arrival.SLOW):
            self._server.serve(connection)
            return
        seconds = 2.0 if self._stopping else IDLE_SECONDS if kept and not already else HEAD_SECONDS
        waiting = Waiting.of(connection, sock, address, seconds)
        waiting.already, waiting.seen = already, seen
        self._wait_for(waiting, self._epoll, kept=kept)

    def linger(self, connection: C, sock: socket.socket, address: str) -> None:
        """Closes a connection once its client has the answer, has sent enough, or has had its time.

        What the client still sends is discarded. If it were left unread, the kernel would reset the connection, and the
        client could lose the answer.
        """
        waiting = Waiting.of(connection, sock, address, LINGER_SECONDS)
        waiting.lingers = True
        try:
            sock.shutdown(socket.SHUT_WR)
            if self._epoll is not None:
                self._wait_for(waiting, self._epoll, kept=True)
                return
        except (OSError, ValueError):  # it is closed
            pass
        self._server.close(connection)

    @property
    def count(self) -> int:
        """Returns the number of connections that wait here."""
        return len(self._waiting) + len(self._queued)

    def is_slow(self, connection: C) -> bool:
        """Returns whether the connection's body is still arriving."""
        return self._slow.holds(connection)

    def finished(self, connection: C) -> None:
        """Frees the slot of a connection whose request was answered; the next one that waits for a slot gets it."""
        self._slow.leave(connection)

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

    def _wait_for(self, waiting: Waiting[C], epoll: select.epoll, *, kept: bool) -> None:
        if waiting.timeout is not None:
            waiting.sock.setblocking(False)
        with self._lock:
            self._start()
            oldest = self._to_close(waiting.address)
            if waiting.seen is Arrival.SLOW:
                self._queued[waiting.number] = waiting
            else:
                watch(epoll, waiting.number, known=kept)
                self._waiting[waiting.number] = waiting
            self._of_address[waiting.address] += 1
        if oldest is not None:
            self._server.close(oldest.connection)

    def _to_close(self, address: str) -> Waiting[C] | None:
        """Takes out the connection that one more of `address` replaces, if there are as many as there may be."""
        if self._of_address[address] < PER_ADDRESS:
            if self.count < CONNECTIONS:
                return None
            ((address, _),) = self._of_address.most_common(1)
        each = (connections.values() for connections in (self._waiting, self._queued))
        oldest = [found for some in each if (found := next((one for one in some if one.address == address), None))]
        found = min(oldest, key=lambda one: one.since)
        self._remove(found)
        return found

    def _remove(self, waiting: Waiting[C]) -> bool:
        """Removes a connection. Returns whether it was still here. The caller holds the lock."""
        for connections in (self._waiting, self._queued):
            if connections.get(waiting.number) is waiting:
                del connections[waiting.number]
                self._dripping.pop(waiting.number, None)
                self._of_address[waiting.address] -= 1
                if not self._of_address[waiting.address]:
                    del self._of_address[waiting.address]
                return True
        return False

    def _ignore(self, number: int) -> None:
        if self._epoll is not None:
            with suppress(OSError, ValueError):  # it is closed
                self._epoll.unregister(number)

    def _run(self, epoll: select.epoll) -> None:
        expire_at = 0.0
        while True:
            try:
                for number, _ in epoll.poll(DRIP_SECONDS if self._dripping else LOOK_SECONDS):
                    self._look(number)
                if self._dripping:
                    self._look_at_dripping()
                if time.monotonic() >= expire_at:
                    self._expire()
                    expire_at = time.monotonic() + LOOK_SECONDS
                if self._queued:
                    self._enter_queued()
            except Exception:
                log.exception("could not examine arriving connections")

    def _look_at_dripping(self) -> None:
        """Looks at them ever more rarely: the kernel has a packet for each byte, and goes through all of them."""
        now = time.monotonic()
        with self._lock:
            due = [one for one in self._dripping.values() if one.look_at <= now]
        for waiting in due:
            waiting.pause = DRIP_SECONDS if waiting.needed else max(DRIP_SECONDS, 2 * waiting.pause)
            waiting.look_at = max(now + DRIP_SECONDS, min(now + waiting.pause, waiting.deadline - LOOK_SECONDS))
            self._look(waiting.number)

    def _look(self, number: int) -> None:
        with self._lock:
            waiting = self._waiting.get(number)
        if waiting is None:
            return
        if waiting.needed:
            if len(waiting.already) + available(waiting.sock) >= waiting.needed:
                self._take(waiting, self._server.serve)
            return
        waiting.looks += 1
        if waiting.looks == LOOKS:
            with self._lock:
                if self._waiting.get(number) is waiting:
                    self._ignore(number)
                    self._dripping[number] = waiting
                    # Beyond this the kernel puts small packets together; otherwise a look goes through thousands.
                    waiting.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * SMALL_BYTES)
        if waiting.lingers:
            waiting.discarded += discard(waiting.sock, LINGER_BYTES)
            if waiting.discarded >= LINGER_BYTES:
                self._take(waiting, self._server.close)
        else:
            self._read_ahead(waiting)

    def _read_ahead(self, waiting: Waiting[C]) -> None:
        try:
            data = waiting.sock.recv(SMALL_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._take(waiting, self._server.close)
            return
        data = waiting.already + data
        self._judge(waiting, arrival(data, waiting.searched), data)
        waiting.searched = len(data)

    def _judge(self, waiting: Waiting[C], seen: Arrival, data: bytes) -> None:
        match seen:
            case Arrival.HEAD_MISSING:
                if not waiting.begun:
                    waiting.begun = True
                    waiting.deadline = min(waiting.deadline, time.monotonic() + HEAD_SECONDS)
            case Arrival.BODY_MISSING:
                waiting.wait_for(small_request(data))
                if waiting.seen is not Arrival.BODY_MISSING:
                    waiting.deadline = time.monotonic() + BODY_SECONDS
            case Arrival.TOO_LARGE:
                self._take(waiting, partial(self._refuse, waiting.sock, _TOO_LARGE))
            case Arrival.HEALTH:
                # Its thread must not wait, so a client that has not read its answers before gets no further one.
                self._take(waiting, self._server.serve_health if has_room(waiting.sock) else self._server.close)
            case Arrival.WHOLE:
                self._take(waiting, self._server.serve)
            case Arrival.SLOW:
                self._queue(waiting)
        waiting.seen = seen

    def _queue(self, waiting: Waiting[C]) -> None:
        with self._lock:
            if self._waiting.get(waiting.number) is waiting:
                del self._waiting[waiting.number]
                self._queued[waiting.number] = waiting
                waiting.deadline = time.monotonic() + BODY_SECONDS
                self._ignore(waiting.number)  # each piece of the body would wake this thread

    def _enter_queued(self) -> None:
        with self._lock:
            entering = [one for one in self._queued.values() if self._slow.enter(one.connection, one.address)]
            for waiting in entering:
                self._remove(waiting)
        for waiting in entering:
            waiting.hand(self._server.serve)

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [one for one in self._waiting.values() if one.deadline <= now]
            busy = [one for one in self._queued.values() if one.deadline <= now]
        for waiting in late:
            self._take(waiting, self._server.close)
        for waiting in busy:
            self._take(waiting, partial(self._refuse, waiting.sock, _BUSY))

    def _take(self, waiting: Waiting[C], to: Callable[[C], None]) -> None:
        """Hands a connection over, unless it was closed for another one meanwhile."""
        with self._lock:
            found = self._remove(waiting)
        if found:
            waiting.hand(to)

    def _refuse(self, sock: socket.socket, answer: bytes, connection: C) -> None:
        send_briefly(sock, answer)
        self._server.close(connection)
