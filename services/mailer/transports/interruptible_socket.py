"""The socket a mail goes through, as other threads may cut it: the stop token's, and the watchdog of the window."""

import contextlib
import socket
import struct
import threading

_NO_LINGER = struct.pack("ii", 1, 0)


class InterruptibleSocket:
    """One per mail. Cut once, it stays cut, and takes no other socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False
        self._committed = False

    def attach(self, sock: socket.socket) -> None:
        """Raises OSError where the wire was cut before."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("cut off")
            self._socket = sock

    def detach(self) -> None:
        """The mail is done and its socket may serve another: a cut that comes late must not hit that."""
        with self._lock:
            self._socket = None

    def commit(self) -> None:
        """The handing over begins: from here on `interrupt` does nothing. Raises OSError where the wire was cut."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("cut off")
            self._committed = True

    def interrupt(self) -> None:
        """Cuts, unless the handing over has begun: for the stop token, whose callbacks may come late."""
        with self._lock:
            if not self._committed:
                self._cut_now()

    def cut(self) -> None:
        """Wakes a thread that blocks in this socket, with an error. What the kernel had not sent yet is thrown away."""
        with self._lock:
            self._cut_now()

    def _cut_now(self) -> None:
        self._is_cut = True
        if self._socket is not None:
            _cut(self._socket)

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Like `socket.create_connection`, but it can be cut while it waits. Raises OSError."""
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
    # SSLSocket.shutdown would forget its encryption first, and a write under way might go on in the clear.
    with contextlib.suppress(OSError):  # not connected, or closed by its owner
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _addresses(host: str, port: int) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        raise OSError(f"{host} is not a host name") from None
