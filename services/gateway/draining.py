"""Adapts gunicorn's threaded worker: slow clients hold no thread, and a stop resets no connection.

Requests wait in `Arrivals` until they have arrived; gunicorn's own worker would give a thread to the first byte. The
thread that has answered a request puts the connection back there itself: gunicorn's own worker goes through its main
thread before and after each request, which took more CPU time than the request. What a client does not read at once of
its answer is left to `Departures`. A connection that ends waits in `Arrivals` until the client has the answer, where
gunicorn's own worker would hold the thread for up to two seconds. /healthz has a thread of its own, so that it answers
while all others are busy.

On a stop, gunicorn's own worker stops accepting, keeps the listening socket open while the last requests run, and
closes it at the end. Connections made meanwhile were accepted by the kernel and are reset then, after up to the whole
grace period. This worker answers the connections that the kernel has accepted, and closes the socket at once: later
clients are refused, and know that nothing was sent.
"""

import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from bureau.services.gateway.serving.arrivals import Arrivals
from bureau.services.gateway.serving.departing_socket import DepartingSocket
from bureau.services.gateway.serving.departures import Departures
from bureau.services.gateway.serving.exchange import exchange, limit_waits
from bureau.services.gateway.serving.request_threads import RequestThreads
from bureau.services.gateway.serving.slow_clients import SlowClients
from bureau.services.gateway.serving.waiting import Server

ACCEPT_SECONDS = 0.002  # what a process with very many connections waits before it accepts one more
ACCEPT_HALF = 16  # the connections with which it waits half as long
HURRY_SECONDS = 2.0  # the time that gunicorn's own worker gives kept-alive connections at a stop


def accept_pause(connections: int) -> float:
    """Returns the seconds that a process with so many connections leaves the next one to the other processes.

    The kernel gives a connection to whoever asks first, and clients keep theirs. Without the pause, one of two
    processes got three of four connections now and then: its clients waited ten times as long as those of the other.
    """
    return ACCEPT_SECONDS * connections / (connections + ACCEPT_HALF)


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Drains its connections on SIGTERM. A reload leaves the socket open in the parent, for the next workers."""

    alive: bool
    sockets: list[Any]
    tpool: RequestThreads[Any]

    def init_process(self) -> None:
        self._health = RequestThreads(self._serve, 1, "healthz")
        super().init_process()

    def get_thread_pool(self) -> RequestThreads[Any]:
        threads = RequestThreads(self._serve, self.cfg.threads, "request")
        self.arrivals: Arrivals[Any] = Arrivals(
            Server(threads.hand, self._health.hand, self._close_waiting), self.cfg.threads
        )
        self._slow_readers = SlowClients(self.cfg.threads)
        self.departures: Departures[Any] = Departures(self._close_waiting)
        return threads

    def accept(self, listener: Any) -> None:
        """Accepts a connection, after a pause in which other processes of the gateway may take it."""
        if self.alive and self.cfg.workers > 1:
            time.sleep(accept_pause(self.nr_conns))
        super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """Queues a new connection until its request has arrived."""
        conn.data_ready = True
        limit_waits(conn.sock)
        self._wait_for_request(conn)

    def _serve(self, conn: Any) -> None:
        """Answers the request of a connection, and queues the connection for its next one."""
        kept = False
        sock = DepartingSocket(conn.sock, partial(self._slow_readers.enter, conn, _address(conn)))
        try:
            kept = exchange(self, conn, sock, slow=self.arrivals.is_slow(conn))
        finally:
            self.arrivals.finished(conn)
            self._slow_readers.leave(conn)
            after = self._keep if kept else self._end
            if sock.rest:
                self.departures.add(conn, conn.sock, _address(conn), sock.rest, after)
            else:
                after(conn)

    def _keep(self, conn: Any) -> None:
        if not self._waits_again(conn):
            self._end(conn)

    def _end(self, conn: Any) -> None:
        self.arrivals.linger(conn, conn.sock, _address(conn))

    def _waits_again(self, conn: Any) -> bool:
        try:
            self._wait_for_request(conn)
        except (OSError, ValueError):  # the socket is closed
            return False
        return True

    def _wait_for_request(self, conn: Any) -> None:
        """Queues the connection. A client may have sent its next request, or a part of it, together with the last."""
        already = conn.parser.unreader.buf.getvalue() if conn.initialized else b""
        self.arrivals.add(conn, conn.sock, _address(conn), kept=conn.initialized, already=already)

    def counts_request(self) -> bool:
        """Counts a request. Returns whether its connection may be kept: not at a stop, nor if too many wait already."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        return bool(self.alive and self.arrivals.count < self.max_keepalived)

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                self._take_what_waits(listener)
                listener.close()
            self.sockets = []
            self.arrivals.hurry(HURRY_SECONDS)

    def _take_what_waits(self, listener: Any) -> None:
        before = -1
        while self.nr_conns != before:
            before = self.nr_conns
            self.accept(listener)

    def _close_waiting(self, conn: Any) -> None:
        conn.close()
        self.method_queue.defer(self._closed)

    def _closed(self) -> None:
        """Counts a closed connection, in the main thread."""
        self.nr_conns -= 1


def _address(conn: Any) -> str:
    return str(conn.client[0]) if isinstance(conn.client, tuple) else ""
