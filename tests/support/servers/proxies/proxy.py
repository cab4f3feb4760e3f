"""Runs a TCP proxy that breaks connections: all of them, or those to PostgreSQL at a COMMIT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from itertools import count

from sqlalchemy.engine import make_url

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"  # as libpq sends it: a simple query
_PIECE = 65536


class Cut(StrEnum):
    """Names when a connection is broken."""

    BEFORE = "before"  # the server never sees COMMIT: nothing happened
    AFTER = "after"  # the server has committed and answered; the client does not learn of it


class Proxy:
    """Listens on `port`. While `cut` is set, every `every`th COMMIT breaks its connection; `cuts` counts them.

    `down` breaks every connection, and new ones at once, until `up`.
    """

    def __init__(self, host: str, port: int) -> None:
        self.cut: Cut | None = None
        self.every = 1
        self.cuts = 0
        self._upstream = (host, port)
        self._down = False
        self._open: set[socket.socket] = set()
        self._commits = count(1)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def down(self) -> None:
        self._down = True
        for sock in list(self._open):
            _break_off(sock)

    def up(self) -> None:
        self._down = False

    def close(self) -> None:
        self._listener.close()
        self.down()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._upstream, timeout=5)
        except OSError:
            client.close()
            return
        self._open |= {client, server}
        if self._down:
            self.down()
        back = threading.Event()  # set: answers go to the client no more
        with suppress(OSError):
            server.settimeout(None)
            threading.Thread(target=self._answers, args=(server, client, back), daemon=True).start()
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._requests(client, server, back)
        for sock in (client, server):
            _break_off(sock)
            self._open.discard(sock)

    def _requests(self, client: socket.socket, server: socket.socket, back: threading.Event) -> None:
        while piece := client.recv(_PIECE):
            cut = self._cut_here(piece)
            if cut is Cut.BEFORE:
                return
            if cut is Cut.AFTER:
                back.set()  # the answer to it breaks both off
            server.sendall(piece)

    def _cut_here(self, piece: bytes) -> Cut | None:
        cut = self.cut
        if cut is None or not piece.endswith(_COMMIT) or next(self._commits) % self.every:
            return None
        self.cuts += 1
        return cut

    def _answers(self, server: socket.socket, client: socket.socket, back: threading.Event) -> None:
        with suppress(OSError):
            while piece := server.recv(_PIECE):
                if back.is_set():
                    _break_off(client)
                    _break_off(server)
                    return
                client.sendall(piece)
        _break_off(client)


def _break_off(sock: socket.socket) -> None:
    """Wakes the other thread that waits in it, too."""
    with suppress(OSError):  # broken off already
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@contextmanager
def tcp_proxy(host: str, port: int) -> Iterator[Proxy]:
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def database_proxy(url: str) -> Iterator[tuple[Proxy, str]]:
    """The proxy and the DATABASE_URL that leads through it."""
    parsed = make_url(url)
    with tcp_proxy(str(parsed.host), parsed.port or 5432) as proxy:
        yield proxy, parsed.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
