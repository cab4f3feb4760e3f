"""The client's end of a connection, where the server lends its socket: gunicorn and cheroot do.

A thread that waits for something to say learns from it that nobody listens any more, and a thread that has something
to say, that nobody reads.
"""

import select
import socket
from collections.abc import Mapping
from typing import Any

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL
_LEAVING = getattr(select, "POLLRDHUP", 0)  # Linux tells that the other end closed, without reading from it


class Peer:
    """Of one request. Without a socket it never seems gone, and always reads."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._fd = _socket_of(environ)

    def gone(self) -> bool:
        """Whether it closed the connection, or broke it off."""
        return bool(self._poll(_LEAVING, 0) & (_GONE | _LEAVING))

    def reads(self, seconds: float) -> bool:
        """Whether there is room to write, at the latest after `seconds`."""
        return self._fd is None or bool(self._poll(select.POLLOUT, seconds) & select.POLLOUT)

    def hang_up(self) -> None:
        """Ends the connection, so that whatever the server writes yet cannot block."""
        if self._fd is None:
            return
        same = socket.socket(fileno=self._fd)
        try:
            same.shutdown(socket.SHUT_RDWR)
        except OSError:  # it is gone already
            return
        finally:
            same.detach()  # it is the server's to close

    def _poll(self, events: int, seconds: float) -> int:
        if self._fd is None:
            return 0
        poll = select.poll()
        poll.register(self._fd, events)
        return sum(found for _, found in poll.poll(seconds * 1000))


def _socket_of(environ: Mapping[str, Any]) -> int | None:
    """The descriptor; PEP 3333 has no word for it."""
    lent = environ.get("gunicorn.socket") or getattr(environ.get("wsgi.input"), "rfile", None)  # cheroot's
    try:
        return int(lent.fileno()) if lent is not None else None
    except OSError:  # closed, or a file without one
        return None
