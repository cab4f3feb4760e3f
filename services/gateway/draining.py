"""Adapts gunicorn's threaded worker: slow clients hold no thread, and a stop resets no connection.

Requests wait in `Arrivals` until they have arrived; gunicorn's own worker would give a thread to the first byte.
/healthz has a thread of its own, so that it answers while all others are busy.

On a stop, gunicorn's own worker stops accepting, keeps the listening socket open while the last requests run, and
closes it at the end. Connections made meanwhile were accepted by the kernel and are reset then, after up to the whole
grace period. This worker answers the connections that the kernel has accepted, and closes the socket at once: later
clients are refused, and know that nothing was sent.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from bureau.services.gateway.serving.arrivals import Arrivals, Server
from bureau.services.gateway.serving.arriving_socket import ArrivingSocket

SEND_SECONDS = 30.0  # a client that reads nothing for this long is disconnected, because it holds a thread
HURRY_SECONDS = 2.0  # the time that gunicorn's own worker gives kept-alive connections at a stop


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Drains its connections on SIGTERM. A reload leaves the socket open in the parent, for the next workers."""

    sockets: list[Any]

    def init_process(self) -> None:
        self.arrivals: Arrivals[Any] = Arrivals(
            Server(super().enqueue_req, self._enqueue_health, self._close_waiting), self.cfg.threads
        )
        self._health = ThreadPoolExecutor(1, "healthz")
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Queues the connection until its request has arrived. Bytes that were already read cannot be waited for."""
        conn.data_ready = True
        if conn.initialized and conn.parser.unreader.buf.getvalue():
            super().enqueue_req(conn)
            return
        address = conn.client[0] if isinstance(conn.client, tuple) else ""
        self.arrivals.add(conn, conn.sock, address, kept=conn.initialized)

    def finish_request(self, conn: Any, fs: Any) -> None:
        self.arrivals.finished(conn)
        super().finish_request(conn, fs)

    def handle_request(self, req: Any, conn: Any) -> Any:
        if self.arrivals.is_slow(conn):
            conn.parser.unreader.sock = ArrivingSocket(conn.sock)
        conn.sock.settimeout(SEND_SECONDS)
        try:
            return super().handle_request(req, conn)
        except TimeoutError as silent:  # gunicorn would log it as an error of ours
            raise StopIteration from silent
        finally:
            conn.parser.unreader.sock = conn.sock

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

    def _enqueue_health(self, conn: Any) -> None:
        done = self._health.submit(self.handle, conn)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def _close_waiting(self, conn: Any) -> None:
        """Closes the connection in the main thread, which counts connections."""
        self.method_queue.defer(self._closed, conn)

    def _closed(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()
