"""Describes a connection that waits, and the server that it goes to."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from bureau.services.gateway.serving.addresses import network
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
    looks: int = 0
    look_at: float = 0.0  # where bytes arrive so often that not each of them is looked at
    pause: float = 0.0
    searched: int = 0  # bytes, in which the head does not end
    needed: int = 0  # bytes of a request of which the head has arrived
    lingers: bool = False
    discarded: int = 0

    @classmethod
    def of(cls, connection: C, sock: socket.socket, address: str, seconds: float) -> Self:
        now = time.monotonic()
        return cls(connection, sock, sock.fileno(), network(address), sock.gettimeout(), now, now + seconds)

    def wait_for(self, needed: int) -> None:
        """Lets the kernel report no bytes before there are as many as the request has. Unix sockets report them all."""
        self.needed = needed
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, max(1, needed - len(self.already)))

    def hand(self, to: Callable[[C], None]) -> None:
        """Gives the connection away, with its socket as it was."""
        if self.needed:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        if self.timeout is not None:
            self.sock.settimeout(self.timeout)
        to(self.connection)
