"""Describes a connection that waits, and the server that it goes to."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bureau.services.gateway.serving.heads import Arrival

C = TypeVar("C")


@dataclass(frozen=True)
class Server(Generic[C]):
    """Holds what a server does with a connection: serve it in a thread or in the thread for /healthz, or close it."""

    serve: Callable[[C], None]
    serve_health: Callable[[C], None]
    close: Callable[[C], None]


@dataclass
class Waiting(Generic[C]):
    """Holds a connection that waits for a request, or for its end."""

    connection: C
    sock: socket.socket
    number: int  # of the socket; a closed one has none, and the next connection may get it
    address: str
    timeout: float | None  # the socket's own, restored when it is handed over
    since: float
    deadline: float
    already: bytes = b""  # of its next request, which the server has read together with the one before
    seen: Arrival = Arrival.HEAD_MISSING
    begun: bool = False
    lingers: bool = False
    discarded: int = 0

    def hand(self, to: Callable[[C], None]) -> None:
        """Gives the connection away, with its socket as it was."""
        if self.timeout is not None:
            self.sock.settimeout(self.timeout)
        to(self.connection)
