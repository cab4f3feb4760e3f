"""Parses server-sent events (WHATWG HTML, section 9.2), as far as Bureau sends them: `id` and `data`."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")  # a CR at the end may be half of a CRLF


class Message(NamedTuple):
    """Holds one event; `id` is empty if the event has none."""

    id: str
    data: str


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """Yields the complete events in a body; an event that was cut off is left out."""
    reader = EventReader()
    for chunk in chunks:
        yield from reader.take(chunk)


class EventReader:
    """Reads the events of one body, chunk by chunk.

    It splits lines itself, because `str.splitlines` and all that uses it also split at U+2028, which a log line may
    contain.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._identity = ""
        self._data: list[str] = []

    def take(self, chunk: bytes) -> Iterator[Message]:
        """Yields the events that the chunk completes."""
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        for line in lines:
            if not line:
                message = Message(self._identity, "\n".join(self._data)) if self._data else None
                self._identity, self._data = "", []
                if message:
                    yield message
                continue
            field, _, value = line.decode("utf-8", "replace").partition(":")
            value = value.removeprefix(" ")
            if field == "id":
                self._identity = value
            elif field == "data":
                self._data.append(value)
