"""Adapts cheroot for the all-in-one process: slow clients hold no thread, and no body is taken for the next request."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest

from bureau.services.gateway.serving.arrivals import Arrivals, Server
from bureau.services.gateway.serving.arriving_socket import ArrivingSocket
from bureau.services.gateway.serving.heads import HEAD_BYTES

BACKLOG = 1024  # beyond it the kernel drops a SYN, which costs a client a second; cheroot has 5
KEPT = 1000  # connections: those that wait for a request hold no thread
UNREAD_BYTES = 64 * 1024  # of an unwanted body; for more than that the connection is closed
_LENGTH = re.compile(rb"[0-9]{1,18}")


class StrictRequest(HTTPRequest):
    """Closes the connection if it cannot be sure where a request ends."""

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        length = self.inheaders.get(b"Content-Length")
        if length is not None and (not _LENGTH.fullmatch(length) or b"Transfer-Encoding" in self.inheaders):
            self.simple_response("400 Bad Request", "The length of the body is ambiguous.")
            self.close_connection = True
            return False
        return True

    def send_headers(self) -> None:
        """Closes the connection after the answer if too much of the body is unread.

        It decides this before the answer, because cheroot would keep the connection and read the unread body as the
        next request.
        """
        unread = not self.rfile.closed if self.chunked_read else getattr(self.rfile, "remaining", 0) > UNREAD_BYTES
        if unread:
            self.close_connection = True
        super().send_headers()


class HttpConnection(HTTPConnection):
    RequestHandlerClass = StrictRequest

    def communicate(self) -> bool:
        arrivals = self.server.arrivals
        raw = self.rfile.raw
        if arrivals.is_slow(self):
            raw._sock = ArrivingSocket(self.socket)
        try:
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        finally:
            raw._sock = self.socket
            arrivals.finished(self)


class EmbeddedServer(wsgi.Server):
    """Gives its threads only requests that have arrived; /healthz has a thread of its own."""

    ConnectionClass = HttpConnection
    keep_alive_conn_limit = KEPT  # cheroot keeps ten, and lets all other clients connect anew for each request
    max_request_header_size = HEAD_BYTES

    def __init__(self, address: tuple[str, int], app: Any, *, threads: int, shutdown_timeout: int) -> None:
        super().__init__(
            address, app, numthreads=threads, shutdown_timeout=shutdown_timeout, request_queue_size=BACKLOG
        )
        self.arrivals: Arrivals[Any] = Arrivals(
            Server(super().process_conn, self._process_health, self._close_waiting), threads
        )
        self._health = ThreadPoolExecutor(1, "healthz")

    def process_conn(self, conn: Any) -> None:
        """Queues the connection until its request has arrived. Bytes that were already read cannot be waited for."""
        if conn.rfile.has_data():
            super().process_conn(conn)
            return
        kept = getattr(conn, "last_used", None) is not None
        self.arrivals.add(conn, conn.socket, getattr(conn, "remote_addr", "") or "", kept=kept)

    def stop(self) -> None:
        self.arrivals.hurry(0.0)
        super().stop()
        self._health.shutdown(wait=False)

    def _process_health(self, conn: Any) -> None:
        self._health.submit(self._answer_health, conn)

    def _answer_health(self, conn: Any) -> None:
        if conn.communicate():
            self.put_conn(conn)
        else:
            conn.close()

    def _close_waiting(self, conn: Any) -> None:
        conn.close()
