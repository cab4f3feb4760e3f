"""Server-sent events (WHATWG HTML, section 9.2), as far as Bureau sends them: `id` and `data`."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")  # a CR at the end may be the half of a CRLF


class Message(NamedTuple):
    """One event; `id` is empty where it has none."""

    id: str
    data: str


def messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    """The whole events in a body; one that was cut off is not told.

    Lines are split here: `str.splitlines` and what is made with it also split at U+2028, which a log line may hold.
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
