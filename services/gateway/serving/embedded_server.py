"""Adapts cheroot for the all-in-one process: slow clients hold no thread, and no body is taken for the next request."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any

from cheroot import wsgi
from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest

from bureau.services.gateway.serving.arrivals import Arrivals
from bureau.services.gateway.serving.arriving_socket import ArrivingSocket
from bureau.services.gateway.serving.departing_socket import DepartingSocket
from bureau.services.gateway.serving.departures import Departures
from bureau.services.gateway.serving.heads import HEAD_BYTES
from bureau.services.gateway.serving.slow_clients import SlowClients
from bureau.services.gateway.serving.waiting import Server

BACKLOG = 1024  # beyond it the kernel drops a SYN, which costs a client a second; cheroot has 5
UNREAD_BYTES = 64 * 1024  # of an unwanted body; for more than that the connection is closed
FIELDS = 100  # of a head, as gunicorn limits them
_LENGTH = re.compile(rb"[0-9]{1,18}")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[^\r\n\0]*\r\n")
_ONCE = (b"content-length", b"content-type", b"host", b"transfer-encoding")


class StrictHeaderReader(HeaderReader):
    """Refuses what another program could read as other fields: blanks in a name, folded lines, a repeated length.

    cheroot would take the last of two lengths, and a blank before a name for none, where `Arrivals` sees no body. A
    name with an underscore is left out, because in the environment it is the same as one with a hyphen.
    """

    def __call__(self, rfile: Any, hdict: Any = None) -> Any:
        lines: list[bytes] = []
        names: list[bytes] = []
        while (line := rfile.readline()) != b"\r\n":
            field = _FIELD.fullmatch(line)
            if field is None or len(lines) == FIELDS:
                raise ValueError("A header field is malformed, or there are too many.")
            names.append(field[1].lower())
            lines.append(line)
        if any(names.count(name) > 1 for name in _ONCE):
            raise ValueError("A header field is repeated that must not be.")
        kept = [line for line, name in zip(lines, names, strict=True) if b"_" not in name]
        return super().__call__(BytesIO(b"".join([*kept, b"\r\n"])), hdict)


class StrictRequest(HTTPRequest):
    """Closes the connection if it cannot be sure where a request ends."""

    header_reader = StrictHeaderReader()

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
        # The end of a stream is not known, so it is sent as it comes.
        self.conn.departing.keeps = any(name.lower() == b"content-length" for name, _ in self.outheaders)


class HttpConnection(HTTPConnection):
    RequestHandlerClass = StrictRequest
    departing: DepartingSocket
    rest = b""  # of an answer, which `Departures` has to send

    def communicate(self) -> bool:
        server = self.server
        reads, writes = self.rfile.raw, self.wfile.raw
        if server.arrivals.is_slow(self):
            reads._sock = ArrivingSocket(self.socket)
        may_wait = partial(server.slow_readers.enter, self, address_of(self))
        writes._sock = self.departing = DepartingSocket(self.socket, may_wait)
        try:
            kept = bool(super().communicate())  # type: ignore[no-untyped-call]
            self.rest = bytes(self.departing.rest)
            return kept
        finally:
            reads._sock = writes._sock = self.socket
            server.arrivals.finished(self)
            server.slow_readers.leave(self)

    def close(self) -> None:
        rest, self.rest = self.rest, b""
        if rest:
            self.server.departures.add(self, self.socket, address_of(self), rest, HttpConnection.close)
        else:
            super().close()


class EmbeddedServer(wsgi.Server):
    """Gives its threads only requests that have arrived; /healthz has a thread of its own."""

    ConnectionClass = HttpConnection
    max_request_header_size = HEAD_BYTES

    def __init__(self, address: tuple[str, int], app: Any, *, threads: int, shutdown_timeout: int) -> None:
        super().__init__(
            address, app, numthreads=threads, shutdown_timeout=shutdown_timeout, request_queue_size=BACKLOG
        )
        self.arrivals: Arrivals[Any] = Arrivals(
            Server(super().process_conn, self._process_health, self._close_waiting), threads
        )
        self.slow_readers = SlowClients(threads)
        self.departures: Departures[Any] = Departures(self._close_waiting)
        self._health = ThreadPoolExecutor(1, "healthz")

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Keeps connections while it serves. cheroot keeps ten, and lets all other clients connect anew each time."""
        return bool(self.ready)

    def process_conn(self, conn: Any) -> None:
        """Queues a new connection until its request has arrived."""
        self.arrivals.add(conn, conn.socket, address_of(conn))

    def put_conn(self, conn: Any) -> None:
        """Queues a connection for its next request, which may have come together with the last."""
        rest, conn.rest = conn.rest, b""
        try:
            if rest:
                self.departures.add(conn, conn.socket, address_of(conn), rest, self.put_conn)
                return
            if self.ready:
                already = conn.rfile.peek() if conn.rfile.has_data() else b""
                self.arrivals.add(conn, conn.socket, address_of(conn), kept=True, already=already)
                return
        except (OSError, ValueError):  # the socket is closed
            pass
        conn.close()

    def stop(self) -> None:
        self.arrivals.hurry(0.0)
        super().stop()
        self._health.shutdown(wait=False)

    def _process_health(self, conn: Any) -> None:
        self._health.submit(self._answer_health, conn)

    def _answer_health(self, conn: Any) -> None:
        kept = False
        try:
            kept = conn.communicate()
        finally:
            if kept:
                self.put_conn(conn)
            else:
                conn.close()

    def _close_waiting(self, conn: Any) -> None:
        conn.close()


def address_of(conn: Any) -> str:
    return getattr(conn, "remote_addr", "") or ""
