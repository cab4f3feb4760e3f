"""Reads the parts of a multipart/form-data body as a stream: files to disk, known fields to memory.

Unknown fields are counted and discarded while they are read, so that a body costs no more memory than its known fields.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

MAX_PARTS = 1000
MAX_FIELD_BYTES = 4 * 1024 * 1024  # of all fields together; holds a mail's text of 1 MiB, however it is escaped
IN_MEMORY_BYTES = 512 * 1024  # a larger file goes to disk
_PIECE_BYTES = 64 * 1024
_BUFFER_BYTES = 4 * _PIECE_BYTES  # the decoder's buffer; a part's headers must fit


class Spool(SpooledTemporaryFile[bytes]):
    """Keeps up to `limit` bytes; `received` counts all bytes.

    So the whole request is read, and the answer can tell its size.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(max_size=IN_MEMORY_BYTES, mode="w+b")
        self._limit = limit
        self.received = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.received += len(data)
        return super().write(data) if self.received <= self._limit else len(data)


@dataclass(frozen=True)
class FilePart:
    """Holds a file as it was sent; `media_type` is the part's header, `file` is at its start."""

    name: str
    filename: str
    media_type: str
    file: Spool


@dataclass
class Parts:
    """Holds all parts of a body, in order. An unknown field has an empty text."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[FilePart] = field(default_factory=list)


def read_parts(
    stream: IO[bytes], boundary: bytes, known: Collection[str] | None, limit_of: Callable[[int], int]
) -> Parts:
    """Reads the parts; None as `known` means that all fields are.

    `limit_of` returns how many bytes are kept of the file with a number, counted from 0. Raises ValueError for a body
    that is not multipart, and `RequestEntityTooLarge`.
    """
    parts, left = Parts(), MAX_FIELD_BYTES
    target: Spool | list[bytes] | None = None
    part: Field | File | None = None
    for event in _events(stream, boundary):
        match event:
            case File():
                part, target = event, Spool(limit_of(len(parts.files)))
            case Field():
                part, target = event, ([] if known is None or event.name in known else None)
            case Data():
                if isinstance(target, Spool):
                    target.write(event.data)
                elif target is not None:
                    left -= len(event.data)
                    if left < 0:
                        raise RequestEntityTooLarge
                    target.append(event.data)
                if not event.more_data:
                    _end(parts, part, target)
    return parts


def _events(stream: IO[bytes], boundary: bytes) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, _BUFFER_BYTES, max_parts=MAX_PARTS)
    ended = False
    while not ended:
        piece = stream.read(_PIECE_BYTES)
        ended = not piece
        decoder.receive_data(piece or None)
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            yield event


def _end(parts: Parts, part: Field | File | None, target: Spool | list[bytes] | None) -> None:
    name = (part.name if part else None) or ""
    if isinstance(target, Spool) and isinstance(part, File):
        target.seek(0)
        parts.files.append(FilePart(name, part.filename, part.headers.get("Content-Type", ""), target))
    else:
        text = b"".join(target) if isinstance(target, list) else b""
        parts.fields.append((name, text.decode("utf-8", "replace")))
