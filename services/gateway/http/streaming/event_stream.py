"""Sends server-sent events (WHATWG HTML, section 9.2) in a response that stays open while there are events to come.

Each stream holds a thread of its server, so their number is limited. A stream ends when its source ends, when its time
is up, when the process stops, and when its client has left or does not read.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Event, Lock
from typing import Generic, Protocol, TypeVar

from flask import Response, request

from bureau.services.gateway.http.streaming.peer import Peer
from bureau.services.gateway.problems import try_again

MEDIA_TYPE = "text/event-stream"
COMMENT_SECONDS = 15.0  # proxies close connections that are silent for longer, usually after 60 s
LOOK_SECONDS = 0.5  # the longest delay until a disconnected client or a stop is noticed
SLOW_SECONDS = 10.0  # a client whose buffers are full for this long is disconnected
PIECE_BYTES = 16_384  # the most written at once, so that a write to a client that seemed to read does not block
BUSY_SECONDS = 10
RETRY = b"retry: 2000\n\n"  # milliseconds until a browser reconnects

T = TypeVar("T", covariant=True)


class EventFeed(Protocol[T]):
    """Supplies the events of a stream. `ended` means that no more will come."""

    @property
    def ended(self) -> bool: ...
    def take(self, seconds: float) -> Sequence[T]: ...
    def close(self) -> None: ...


class Seats:
    """Limits the number of concurrent streams."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._lock = Lock()

    @property
    def taken(self) -> int:
        return self._taken

    def take(self) -> None:
        """Takes a seat. Raises a 503 problem if all are taken."""
        with self._lock:
            if self._taken >= self._limit:
                detail = f"{self._taken} streams are open; MAX_STREAMS allows no more in each process."
                raise try_again("too-many-streams", detail, BUSY_SECONDS)
            self._taken += 1

    def leave(self) -> None:
        with self._lock:
            self._taken -= 1


class EventStream(Generic[T]):
    """Is the body of a stream's response.

    It holds a seat and a source until it is closed; servers close what they iterate.
    """

    def __init__(
        self,
        seats: Seats,
        open_source: Callable[[], EventFeed[T]],
        message: Callable[[T], bytes],
        peer: Peer,
        *,
        seconds: float,
        stopping: Event,
    ) -> None:
        """Takes a seat and opens the source. Raises a 503 problem, and what `open_source` raises."""
        self._message = message
        self._peer = peer
        self._ends_at = time.monotonic() + seconds
        self._stopping = stopping
        self._seats = seats
        self._closed = False
        seats.take()
        try:
            self._source = open_source()
        except BaseException:  # on any exception: the seat was taken and nothing else would release it
            seats.leave()
            raise
        self._pieces = self._messages()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._source.close()
            self._seats.leave()

    def _messages(self) -> Iterator[bytes]:
        yield RETRY  # sent at once, so that the client gets the response head
        comment_at = time.monotonic() + COMMENT_SECONDS
        while not self._over():
            messages = [self._message(one) for one in self._source.take(LOOK_SECONDS)]
            if time.monotonic() >= comment_at:
                messages.append(b":\n\n")
                comment_at += COMMENT_SECONDS
            for piece in _pieces(messages):
                if not self._is_read():
                    self._peer.hang_up()
                    return
                yield piece
            if self._source.ended:
                return

    def _over(self) -> bool:
        return self._stopping.is_set() or time.monotonic() >= self._ends_at or self._peer.gone()

    def _is_read(self) -> bool:
        """Waits until the client has read enough for more to be written. Gives up after `SLOW_SECONDS`."""
        slow_at = time.monotonic() + SLOW_SECONDS
        while not self._peer.reads(LOOK_SECONDS):
            if time.monotonic() >= slow_at or self._over():
                return False
        return True


def message(data: str, number: int | None = None) -> bytes:
    """Returns one encoded event; `data` is a single line. The client sends its `number` back as Last-Event-ID."""
    identity = "" if number is None else f"id: {number}\n"
    return f"{identity}data: {data}\n\n".encode()


def respond(stream: Callable[[Peer], EventStream[T]]) -> Response:
    """Returns the streaming response. For HEAD it returns only the headers and opens no stream."""
    head_only = request.method == "HEAD"
    response = Response(() if head_only else stream(Peer(request.environ)), content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # otherwise nginx would hold events back to fill its buffers
    return response


def _pieces(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Joins whole messages into pieces of at most `PIECE_BYTES`; only a longer message exceeds it."""
    held = b""
    for one in messages:
        if held and len(held) + len(one) > PIECE_BYTES:
            yield held
            held = b""
        held += one
    if held:
        yield held
