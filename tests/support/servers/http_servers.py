"""Provides small HTTP servers that answer as a test wants, also badly: 500, hang, reset, endless, cut short."""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENDLESS_BYTES = 1 << 32  # an endless body ends here all the same, should a client not mind


@dataclass(frozen=True)
class Received:
    """Holds a request as it came; `connection` is the client's port, the same on a reused connection."""

    method: str
    path: str
    headers: Message
    body: bytes
    connection: int


class HttpExchange:
    """Holds one request and the means to answer it."""

    def __init__(self, handler: "_Handler", received: Received) -> None:
        self.received = received
        self._handler = handler

    def start(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Status line and headers. Without a Content-Length the body ends with the connection."""
        given = dict(headers or {})
        if "Content-Length" not in given:
            given["Connection"] = "close"
            self._handler.close_connection = True
        self._handler.send_response(status)
        for name, value in given.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        if self._handler.command != "HEAD":  # its answer has the headers only
            self._handler.wfile.write(data)

    def wait_until_client_leaves(self) -> None:
        """Or until the server is closed."""
        with suppress(OSError):
            while self._handler.connection.recv(65536):
                pass
        self._handler.close_connection = True

    def client_left(self, within_seconds: float) -> bool:
        """Whether the client closes the connection within that time."""
        readable, _, _ = select.select([self._handler.connection], [], [], within_seconds)
        return bool(readable)

    def reset(self) -> None:
        """Breaks the connection off with a TCP reset."""
        linger_for_no_time = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)
        self._handler.connection.close()
        self._handler.close_connection = True


Behaviour = Callable[[HttpExchange], None]


def replies(status: int, body: bytes = b"", content_type: str = "application/json", **headers: str) -> Behaviour:
    """A complete answer. `Retry_After="3"` is sent as `Retry-After: 3`."""

    def behave(exchange: HttpExchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.start(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **named})
        exchange.write(body)

    return behave


def ends_early(body: bytes, announced_bytes: int, content_type: str = "application/zip") -> Behaviour:
    """Announces more bytes than it sends."""

    def behave(exchange: HttpExchange) -> None:
        exchange.start(200, {"Content-Type": content_type, "Content-Length": str(announced_bytes)})
        exchange.write(body)
        exchange.reset()

    return behave


def never_ends(beginning: bytes, content_type: str = "application/zip") -> Behaviour:
    """An endless body, announced by nothing."""

    def behave(exchange: HttpExchange) -> None:
        exchange.start(200, {"Content-Type": content_type})
        exchange.write(beginning)
        block = bytes(65536)
        for _ in range(ENDLESS_BYTES // len(block)):
            exchange.write(block)

    return behave


def hangs(beginning: bytes | None = None) -> Behaviour:
    """Takes the request and never answers, or answers `beginning` and then nothing more."""

    def behave(exchange: HttpExchange) -> None:
        if beginning is not None:
            exchange.start(200, {"Content-Type": "application/zip"})
            exchange.write(beginning)
        exchange.wait_until_client_leaves()

    return behave


def resets(exchange: HttpExchange) -> None:
    """Breaks the connection off instead of answering."""
    exchange.reset()


@dataclass
class HttpServer:
    """Runs a server. `requests` grows with every request taken, before it is answered."""

    url: str
    requests: list[Received] = field(default_factory=list)
    finished: int = 0  # exchanges that are over, however


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        self._exchange()

    def do_HEAD(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def _exchange(self) -> None:
        body = b"".join(self._body())
        received = Received(self.command, self.path, self.headers, body, int(self.client_address[1]))
        behave = self.server.next_behaviour(received)
        try:
            behave(HttpExchange(self, received))
        except OSError:  # the client went away, as a test may want it to
            self.close_connection = True
        finally:
            self.server.state.finished += 1

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().strip() or b"0", 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            yield self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def log_message(self, format: str, *args: Any) -> None:  # as in the parent
        """Quiet: tests look at `requests`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, behaviours: tuple[Behaviour, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = HttpServer(f"http://127.0.0.1:{self.server_address[1]}")
        self._behaviours = behaviours
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()

    def next_behaviour(self, received: Received) -> Behaviour:
        with self._lock:
            self.state.requests.append(received)
            return self._behaviours[min(len(self.state.requests), len(self._behaviours)) - 1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is what many tests are about."""

    def close(self) -> None:
        self.shutdown()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # closed already
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


@contextmanager
def http_server(*behaviours: Behaviour) -> Iterator[HttpServer]:
    """A server on a free loopback port: the first request meets the first behaviour, and so on; the last one stays."""
    server = _Server(behaviours)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.state
    finally:
        server.close()
        thread.join(5)
