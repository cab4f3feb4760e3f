"""Reads one request from a connection of gunicorn's and answers it.

It does what the worker of gunicorn does between two requests of a kept connection, with fewer system calls: each of
them lets another thread take the interpreter. The head of an answer leaves together with the first part of its body,
the socket stays in one mode, and the kernel watches its time limits. Hooks of gunicorn before and after a request are
not called, and HTTP/2 is not spoken.
"""

import errno
import socket
import struct
import time
from datetime import datetime
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData

from bureau.services.gateway.serving.arriving_socket import ArrivingSocket
from bureau.services.gateway.serving.departing_socket import DepartingSocket

WAIT_SECONDS = 30  # a client that sends nothing for this long is disconnected, because it holds a thread
DRAIN_SECONDS = 5.0  # for a body that nobody has read
_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


class HeadWithBody(wsgi.Response):  # type: ignore[misc]  # gunicorn ships no types
    """Sends its head together with the first part of its body."""

    headers_sent: bool
    response_length: int | None
    sock: DepartingSocket
    _head = b""

    def send_headers(self) -> None:
        """Builds the head; it is sent with what follows."""
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self._head = "".join(lines).encode("latin-1")
        self.headers_sent = True
        self.sock.keeps = (
            self.response_length is not None
        )  # the end of a stream is not known, so it is sent as it comes

    def write(self, arg: bytes) -> None:
        super().write(arg)
        self._flush()

    def close(self) -> None:
        self.send_headers()
        self._flush()
        super().close()

    def sendfile(self, respiter: Any) -> bool:  # noqa: ARG002 - gunicorn's signature
        """Leaves a file to `write`, because `socket.sendfile` waits for a slow client by itself."""
        return False

    def _emit_body(self, data: bytes) -> None:
        head, self._head = self._head, b""
        self.sock.sendall(head + (b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data))

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self.sock.sendall(head)


def limit_waits(sock: socket.socket) -> None:
    """Lets the kernel end a read or a write that waits for too long: it then raises BlockingIOError."""
    limit = struct.pack("ll", WAIT_SECONDS, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)


def exchange(worker: Any, conn: Any, sock: DepartingSocket, *, slow: bool) -> bool:
    """Answers one request through `sock`, and returns whether the connection may have another one.

    `slow` means that the body is still arriving.
    """
    request = None
    try:
        conn.init()  # does nothing for a kept connection
        if slow:
            conn.parser.unreader.sock = ArrivingSocket(conn.sock)
        request = next(conn.parser)
        return bool(request) and _answered(worker, conn, sock, request) and _is_read(conn)
    except (NoMoreData, StopIteration, TimeoutError, BlockingIOError) as gone:
        worker.log.debug("Closing connection. %s", gone)
    except OSError as error:
        if error.errno not in _GONE:
            worker.log.exception("Socket error processing request.")
    except Exception as error:  # noqa: BLE001 - gunicorn logs it and answers 400 or 500
        worker.handle_error(request, conn.sock, conn.client, error)
    finally:
        if slow and conn.parser:
            conn.parser.unreader.sock = conn.sock
            conn.sock.setblocking(True)
    return False


def _answered(worker: Any, conn: Any, sock: DepartingSocket, request: Any) -> bool:
    """Returns whether the answer left the connection open."""
    began = datetime.now()
    response, environ = wsgi.create(request, sock, conn.client, conn.server, worker.cfg, HeadWithBody)
    environ["wsgi.multithread"] = True
    if not worker.counts_request():
        response.force_close()
    try:
        parts = worker.wsgi(environ, response.start_response)
        try:
            _send(response, parts, environ)
        finally:
            worker.log.access(response, request, environ, datetime.now() - began)
            if hasattr(parts, "close"):
                parts.close()
    except OSError:
        sock.rest.clear()
        raise
    except (Exception, SystemExit) as error:
        if response.headers_sent:  # a second answer on the same connection would corrupt the first one
            worker.log.exception("Error handling request")
            raise StopIteration from error
        raise
    return not response.should_close()


def _send(response: Any, parts: Any, environ: dict[str, Any]) -> None:
    if isinstance(parts, environ["wsgi.file_wrapper"]):
        response.write_file(parts)
    else:
        for part in parts:
            response.write(part)
    response.close()


def _is_read(conn: Any) -> bool:
    """Returns whether the whole body was read; a body that the application left is read now, up to a limit."""
    parser = conn.parser
    reader = getattr(parser.mesg.body, "reader", None)
    if getattr(reader, "length", None) != 0 and not parser.finish_body(deadline=time.monotonic() + DRAIN_SECONDS):
        return False
    parser.mesg = None  # so that the parser does not look for its body again
    return True
