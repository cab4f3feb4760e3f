"""Wraps the socket of a mail so that other threads can cut it: the stop token's and the window's watchdog."""

import contextlib
import socket
import struct
import threading

_NO_LINGER = struct.pack("ii", 1, 0)


class InterruptibleSocket:
    """Holds the socket of one mail. Once cut, it stays cut and accepts no other socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False
        self._committed = False

    def attach(self, sock: socket.socket) -> None:
        """Takes the socket. Raises OSError if it was cut before."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("cut off")
            self._socket = sock

    def detach(self) -> None:
        """Releases the socket after the mail, because it may serve another mail that a late cut must not hit."""
        with self._lock:
            self._socket = None

    def commit(self) -> None:
        """Begins the handover; from here on `interrupt` does nothing. Raises OSError if the socket was cut."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("cut off")
            self._committed = True

    def interrupt(self) -> None:
        """Cuts the socket unless the handover has begun; the stop token calls this, and its callbacks may come late."""
        with self._lock:
            if not self._committed:
                self._cut_now()

    def cut(self) -> None:
        """Wakes a thread that blocks in this socket, with an error. Data that the kernel has not sent is discarded."""
        with self._lock:
            self._cut_now()

    def _cut_now(self) -> None:
        self._is_cut = True
        if self._socket is not None:
            _cut(self._socket)

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connects like `socket.create_connection`, but can be cut while it waits. Raises OSError."""
        last: OSError | None = None
        for family, kind, protocol, _, address in _addresses(host, port):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(timeout)
                self.attach(sock)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                sock.close()
                last = error
            else:
                return sock
        raise last or OSError(f"{host} has no address")


def _cut(sock: socket.socket) -> None:
    # SSLSocket.shutdown would drop its encryption first, and a write under way might continue unencrypted.
    with contextlib.suppress(OSError):  # not connected, or already closed by its owner
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _addresses(host: str, port: int) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        raise OSError(f"{host} is not a host name") from None
