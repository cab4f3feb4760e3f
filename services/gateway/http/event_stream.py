"""Server-sent events (WHATWG HTML, section 9.2): an answer that goes on while there is something to tell.

Each stream holds a thread of its server, so there are only so many. It ends when its source does, when its time is up,
when the process stops, and when its client left or does not read.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Event, Lock
from typing import Generic, Protocol, TypeVar

from flask import Response, request

from bureau.services.gateway.http.peer import Peer
from bureau.services.gateway.problems import try_again

MEDIA_TYPE = "text/event-stream"
COMMENT_SECONDS = 15.0  # proxies close connections that are silent for longer, 60 s as a rule
LOOK_SECONDS = 0.5  # so soon a client that left, and a stop, are seen
SLOW_SECONDS = 10.0  # a client whose buffers are full for so long is cut off
PIECE_BYTES = 16_384  # what is written at once, so that a write to who seemed to read does not block
BUSY_SECONDS = 10
RETRY = b"retry: 2000\n\n"  # milliseconds after which a browser connects again

T = TypeVar("T", covariant=True)


class EventFeed(Protocol[T]):
    """What a stream tells. `ended`: there is no more to come."""

    @property
    def ended(self) -> bool: ...
    def take(self, seconds: float) -> Sequence[T]: ...
    def close(self) -> None: ...


class Seats:
    """How many streams there may be at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._lock = Lock()

    @property
    def taken(self) -> int:
        return self._taken

    def take(self) -> None:
        """Raises a 503 problem where all are taken."""
        with self._lock:
            if self._taken >= self._limit:
                detail = f"{self._taken} streams are open, as many as MAX_STREAMS allows each process."
                raise try_again("too-many-streams", detail, BUSY_SECONDS)
            self._taken += 1

    def leave(self) -> None:
        with self._lock:
            self._taken -= 1


class EventStream(Generic[T]):
    """The body of an answer. It holds a seat, and a source, until it is closed; servers close what they iterate."""

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
        """Raises a 503 problem, and what `open_source` raises."""
        self._message = message
        self._peer = peer
        self._ends_at = time.monotonic() + seconds
        self._stopping = stopping
        self._seats = seats
        self._closed = False
        seats.take()
        try:
            self._source = open_source()
        except BaseException:  # whatever ends it: the seat was taken and nobody else gives it back
            seats.leave()
            raise
        self._pieces = self._tell()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._source.close()
            self._seats.leave()

    def _tell(self) -> Iterator[bytes]:
        yield RETRY  # at once: with it the client has the answer's head
        comment_at = time.monotonic() + COMMENT_SECONDS
        while not self._over():
            told = [self._message(one) for one in self._source.take(LOOK_SECONDS)]
            if time.monotonic() >= comment_at:
                told.append(b":\n\n")
                comment_at += COMMENT_SECONDS
            for piece in _pieces(told):
                if not self._is_read():
                    self._peer.hang_up()
                    return
                yield piece
            if self._source.ended:
                return

    def _over(self) -> bool:
        return self._stopping.is_set() or time.monotonic() >= self._ends_at or self._peer.gone()

    def _is_read(self) -> bool:
        """Waits until the client has read enough for more to be written; not for ever."""
        slow_at = time.monotonic() + SLOW_SECONDS
        while not self._peer.reads(LOOK_SECONDS):
            if time.monotonic() >= slow_at or self._over():
                return False
        return True


def message(data: str, number: int | None = None) -> bytes:
    """One event; `data` is one line. Its `number` comes back as Last-Event-ID."""
    identity = "" if number is None else f"id: {number}\n"
    return f"{identity}data: {data}\n\n".encode()


def respond(stream: Callable[[Peer], EventStream[T]]) -> Response:
    """The answer; to HEAD its head only, and no stream is opened."""
    head_only = request.method == "HEAD"
    response = Response(() if head_only else stream(Peer(request.environ)), content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back to fill its buffers
    return response


def _pieces(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Whole messages together, as many as make a piece."""
    held = b""
    for one in messages:
        if held and len(held) + len(one) > PIECE_BYTES:
            yield held
            held = b""
        held += one
    if held:
        yield held
