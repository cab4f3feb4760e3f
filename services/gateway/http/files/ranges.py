"""Decides conditional requests and ranges for stored files (RFC 9110, sections 13 and 14) with pure functions."""

from dataclasses import dataclass
from datetime import datetime

from werkzeug.datastructures import Headers
from werkzeug.http import parse_date, parse_etags, parse_if_range_header, parse_range_header


@dataclass(frozen=True)
class Whole:
    """Means 200: the whole file."""


@dataclass(frozen=True)
class ByteRange:
    """Means 206: the bytes from `start` up to, but not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True)
class NotModified:
    """Means 304: the client already has the file."""


@dataclass(frozen=True)
class PreconditionFailed:
    """Means 412: the client asked for a different version of the file."""


@dataclass(frozen=True)
class OutOfRange:
    """Means 416: the file has no such bytes."""


Decision = Whole | ByteRange | NotModified | PreconditionFailed | OutOfRange


def select_response(method: str, headers: Headers, etag: str, modified: datetime, size: int) -> Decision:
    """Returns the kind of response.

    `etag` is without quotes. Several ranges are answered with the whole file, as the RFC allows.
    """
    modified = modified.replace(microsecond=0)  # HTTP dates have whole seconds
    if _fails(headers, etag, modified):
        return PreconditionFailed()
    if _known(headers, etag, modified):
        return NotModified()
    if method == "GET" and "Range" in headers and _same(headers.get("If-Range"), etag, modified):
        return _range(headers["Range"], size)
    return Whole()


def _fails(headers: Headers, etag: str, modified: datetime) -> bool:
    if "If-Match" in headers:
        return not parse_etags(headers["If-Match"]).contains(etag)
    since = parse_date(headers.get("If-Unmodified-Since"))
    return since is not None and modified > since


def _known(headers: Headers, etag: str, modified: datetime) -> bool:
    if "If-None-Match" in headers:
        return parse_etags(headers["If-None-Match"]).contains_weak(etag)
    since = parse_date(headers.get("If-Modified-Since"))
    return since is not None and modified <= since


def _same(if_range: str | None, etag: str, modified: datetime) -> bool:
    """Returns whether the client's partial copy is of this file."""
    if if_range is None:
        return True
    if if_range.lstrip().startswith("W/"):  # If-Range needs a strong comparison
        return False
    condition = parse_if_range_header(if_range)
    return condition.etag == etag if condition.etag is not None else condition.date == modified


def _range(header: str, size: int) -> Decision:
    wanted = parse_range_header(header)
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return Whole()  # a range that is not understood is ignored
    start, end = wanted.ranges[0]
    if start < 0:  # the last -start bytes
        return ByteRange(max(size + start, 0), size) if size else OutOfRange()
    if start >= size:
        return OutOfRange()
    return ByteRange(start, min(end, size) if end is not None else size)
