"""Provides an HTTP transport whose sockets a stop token breaks at any point of an exchange.

httpx gives access to the connection only with the response, which is too late for a server that never answers. So the
sockets are wrapped one layer below, in httpcore's network backend; the thread's context holds the token that applies.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from weakref import WeakSet

import httpcore
import httpx

from bureau.services.certificates.api.stop_context import current_token

R = TypeVar("R")

# A connect that hangs cannot be woken, so it is tried in slices. A handshake over a satellite takes 0.7 s.
CONNECT_SLICE_SECONDS = 1.5
SEND_BYTES = 64 * 1024


class InterruptibleTransport(httpx.BaseTransport):
    """Speaks HTTP/1.1 over kept connections; each thread has its own.

    In one pool for all threads, httpcore goes through every idle connection for every other one at each request, which
    took most of the time at 200 threads.
    """

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
    """Wraps a connection; reads, writes and handshakes end when the token shuts its socket down.

    Written bytes wait for the next read, or until there are many, so that the head of a request, its parts and a small
    file are sent at once. Each separate write hands the interpreter to other threads and costs three system calls.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._unsent = bytearray()
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with contextlib.suppress(httpcore.WriteError):  # as httpcore does: an answer may already be there and say why
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
        token = current_token()
        if token is None:
            return act()
        broken: socket.socket = connection or self._inner.get_extra_info("socket")
        with token.interrupting(lambda: _shut_down(broken)):
            result = act()
        token.check()  # a socket that was shut down reads like a normal end
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
        token = current_token()
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
