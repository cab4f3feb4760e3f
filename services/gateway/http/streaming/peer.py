"""Watches the client's end of a connection, if the server lends its socket: gunicorn and cheroot do.

A thread that waits for something to send learns from it that the client has disconnected, and a thread that has
something to send learns that the client is not reading.
"""

import select
import socket
from collections.abc import Mapping
from typing import Any

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL
_LEAVING = getattr(select, "POLLRDHUP", 0)  # Linux reports that the other end has closed, without a read


class Peer:
    """Is the client of one request. Without a socket it never seems disconnected, and always seems to read."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._fd = _socket_of(environ)

    def gone(self) -> bool:
        """Returns whether the client has closed or broken off the connection."""
        return bool(self._poll(_LEAVING, 0) & (_GONE | _LEAVING))

    def reads(self, seconds: float) -> bool:
        """Returns whether there is room to write, waiting at most `seconds`."""
        return self._fd is None or bool(self._poll(select.POLLOUT, seconds) & select.POLLOUT)

    def hang_up(self) -> None:
        """Ends the connection, so that no further write of the server can block."""
        if self._fd is None:
            return
        same = socket.socket(fileno=self._fd)
        try:
            same.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is already gone
            return
        finally:
            same.detach()  # the server closes it

    def _poll(self, events: int, seconds: float) -> int:
        if self._fd is None:
            return 0
        poll = select.poll()
        poll.register(self._fd, events)
        return sum(found for _, found in poll.poll(seconds * 1000))


def _socket_of(environ: Mapping[str, Any]) -> int | None:
    """Returns the socket's file descriptor, which PEP 3333 does not provide."""
    lent = environ.get("gunicorn.socket") or getattr(environ.get("wsgi.input"), "rfile", None)  # cheroot's
    try:
        return int(lent.fileno()) if lent is not None else None
    except OSError:  # closed, or a file without a descriptor
        return None
