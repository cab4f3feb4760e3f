"""Decides from the first bytes of a request whether it has arrived, and whether a thread may have it.

Its functions are pure.
"""

import re
from enum import Enum

HEAD_BYTES = 32 * 1024  # request line and headers
SMALL_BYTES = 64 * 1024  # head and body that the kernel buffers while they arrive

_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*0*([0-9]{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_UNKNOWN_LENGTH = re.compile(rb"^(?:transfer-encoding|expect|upgrade)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HAS_BODY = re.compile(rb"^(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEALTH = re.compile(rb"(?:GET|HEAD) /healthz HTTP/1\.[01]\r?\n")


class Arrival(Enum):
    """Says how much of a request has arrived."""

    HEAD_MISSING = "its head is not complete"
    TOO_LARGE = "its head is larger than any"
    BODY_MISSING = "its small body is not complete"
    WHOLE = "all of it"
    HEALTH = "all of a question for /healthz"
    SLOW = "its head; its body is large, or nobody knows how large"


def arrival(data: bytes, searched: int = 0) -> Arrival:
    """Returns how much has arrived.

    `data` holds the first bytes, at most `SMALL_BYTES`; in the first `searched` of them the head does not end. Data
    that is not HTTP counts as whole: the server refuses it.
    """
    end = _END.search(data, max(0, searched - 3))
    if end is None:
        return Arrival.TOO_LARGE if len(data) >= HEAD_BYTES else Arrival.HEAD_MISSING
    if end.end() > HEAD_BYTES:
        return Arrival.TOO_LARGE
    head = data[: end.end()]
    has_body = _HAS_BODY.search(head)
    if not has_body and _HEALTH.match(head):
        return Arrival.HEALTH
    if _UNKNOWN_LENGTH.search(head):
        return Arrival.SLOW
    if not has_body:
        return Arrival.WHOLE
    length = _LENGTH.search(head)
    if length is None:  # what is no length here may be one to the server
        return Arrival.SLOW
    if len(data) - end.end() >= int(length[1]):
        return Arrival.WHOLE
    return Arrival.BODY_MISSING if end.end() + int(length[1]) <= SMALL_BYTES else Arrival.SLOW


def small_request(data: bytes) -> int:
    """Returns the bytes of a request whose small body is not complete."""
    end, length = _END.search(data), _LENGTH.search(data)
    return end.end() + int(length[1]) if end and length else 0
