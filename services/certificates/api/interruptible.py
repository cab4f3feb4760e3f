"""An HTTP transport whose sockets a stop token breaks, wherever in an exchange they hang.

httpx offers the connection only with the response, too late for a server that never answers. So the sockets are
wrapped one layer below, in httpcore's network backend; which token rules is known by the thread's context.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import WeakSet

import httpcore
import httpx

from bureau.stop_token import StopToken

R = TypeVar("R")

# A hanging connect cannot be woken, so it is tried in slices. A handshake over a satellite takes 0.7 s.
CONNECT_SLICE_SECONDS = 1.5
SEND_BYTES = 64 * 1024

_token: ContextVar[StopToken | None] = ContextVar("certificates_stop_token", default=None)


@contextlib.contextmanager
def stopped_by(token: StopToken) -> Iterator[None]:
    """While the block runs, this thread's work on an interruptible transport ends as `Stopped` once `token` is set."""
    before = _token.set(token)
    try:
        yield
    finally:
        _token.reset(before)


class InterruptibleTransport(httpx.BaseTransport):
    """HTTP/1.1, with kept connections that each thread has to itself: in one pool for all, httpcore goes through
    every idle connection for every other at each request, which at 200 threads took most of the time."""

    def __init__(self, *, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._context = httpx.create_ssl_context()
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._made: WeakSet[httpx.HTTPTransport] = WeakSet()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._own().handle_request(request)

    def close(self) -> None:
        with self._lock:
            for transport in list(self._made):
                transport.close()

    def _own(self) -> httpx.HTTPTransport:
        if not hasattr(self._thread, "transport"):
            self._thread.transport = self._make()
        transport: httpx.HTTPTransport = self._thread.transport
        return transport

    def _make(self) -> httpx.HTTPTransport:
        transport = httpx.HTTPTransport(verify=self._context)
        # httpx has no parameter for httpcore's public `network_backend`; test_api_cancel.py proves that this works.
        transport._pool = httpcore.ConnectionPool(
            ssl_context=self._context,
            max_keepalive_connections=1,
            keepalive_expiry=self._idle_seconds,
            network_backend=_Backend(),
        )
        with self._lock:
            self._made.add(transport)
        return transport


class _Stream(httpcore.NetworkStream):
    """A connection; reads, writes and handshakes end when the token shuts its socket down.

    What is written waits for the next read or for much of it: the head of a request, its parts and a small file go out
    at once. Each write of its own gives other threads the interpreter, and is three system calls.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._unsent = bytearray()
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with contextlib.suppress(httpcore.WriteError):  # as httpcore has it: the answer may be there, and say why
            self._send()
        return self._interruptible(lambda: self._inner.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unsent += buffer
        self._write_timeout = timeout
        if len(self._unsent) >= SEND_BYTES:
            self._send()

    def _send(self) -> None:
        if self._unsent:
            waiting, self._unsent = bytes(self._unsent), bytearray()
            self._interruptible(lambda: self._inner.write(waiting, self._write_timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        plain: socket.socket = self._inner.get_extra_info("socket")
        with plain.dup() as same:  # the handshake takes the connection away from `plain`
            return _Stream(
                self._interruptible(lambda: self._inner.start_tls(ssl_context, server_hostname, timeout), same)
            )

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _interruptible(self, act: Callable[[], R], connection: socket.socket | None = None) -> R:
        token = _token.get()
        if token is None:
            return act()
        broken: socket.socket = connection or self._inner.get_extra_info("socket")
        with token.interrupting(lambda: _shut_down(broken)):
            result = act()
        token.check()  # a socket shut down reads as a normal end
        return result


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already
        # The plain socket's method: SSLSocket's own takes its TLS state away from the thread that is reading.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        token = _token.get()
        deadline = time.monotonic() + (timeout if timeout is not None else 60.0)
        while True:
            if token:
                token.check()
            left = deadline - time.monotonic()
            attempt_seconds = min(max(left, 0.01), CONNECT_SLICE_SECONDS)
            try:
                return _Stream(self._inner.connect_tcp(host, port, attempt_seconds, local_address, socket_options))
            except httpcore.ConnectTimeout:
                if left <= CONNECT_SLICE_SECONDS:
                    raise
