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
    """Yields the complete events in a body; an event that was cut off is left out.

    It splits lines itself, because `str.splitlines` and all that uses it also split at U+2028, which a log line may
    contain.
    """
    identity = ""
    data: list[str] = []
    for line in _lines(chunks):
        if not line:
            if data:
                yield Message(identity, "\n".join(data))
            identity, data = "", []
            continue
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            identity = value
        elif field == "data":
            data.append(value)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = _LINE_END.split(rest + chunk)
        yield from lines
