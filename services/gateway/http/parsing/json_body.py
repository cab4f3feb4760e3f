"""Parses JSON from outside once and strictly, so that accepted JSON means the same to every later reader."""

import hashlib
import json
import math
import re
from collections.abc import Iterable
from typing import Any

from bureau.contracts.base import clean, clean_text
from bureau.contracts.schemas import too_deep
from bureau.services.gateway.problems import problem

MAX_LEVELS = 100
# A value needs about 64 bytes of memory and can be written in three: `[],`. A body with more values than this takes
# many times the memory of its text, so it is refused before anything is built from it.
MAX_VALUES = 200_000

_MARKS = b",[{"
_OTHERS = bytes(set(range(256)) - set(_MARKS + b'"'))
_TEXTS = re.compile(rb'"[^"]*+"')
_PIECE_BYTES = 64 * 1024


class _UnreadableError(ValueError):
    """Reports JSON that the parser accepts and we refuse; the message says why."""


def read_json(raw: bytes | bytearray, what: str = "The body") -> Any:
    """Parses the value and removes NUL and lone surrogates from it.

    Raises a 400 problem that says what is wrong and where, and a 413 problem for more than `MAX_VALUES` values.
    """
    if _values_at_most(raw) > MAX_VALUES:
        raise problem("too-large", f"{what} holds more than {MAX_VALUES:,} JSON values, which is the limit.")
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except UnicodeDecodeError as error:
        raise problem("unreadable", f"{what} is not UTF-8: byte {error.start} is wrong.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise problem("unreadable", f"{what} is not JSON: {error.msg} at {where}.") from None
    except _UnreadableError as error:
        raise problem("unreadable", f"{what} is not acceptable JSON: {error}.") from None
    except RecursionError:
        raise _too_deep(what) from None
    if too_deep(value, MAX_LEVELS):
        raise _too_deep(what)
    return clean(value) if b"\\u" in raw else value  # without escapes, the characters that are removed cannot occur


def _values_at_most(raw: bytes | bytearray) -> int:
    """Returns an upper bound of the number of values, or any number above `MAX_VALUES` if there are more.

    Each but the first follows a comma or a bracket; strings are skipped. It reads piece by piece: one call over a large
    body would hold Python's lock, and with it all other threads, for a second, and need its memory several times.
    """
    if sum(map(raw.count, _MARKS)) <= MAX_VALUES:
        return 0  # the usual case: the exact number is not needed
    found, begun = 1, b""  # `begun` is what the previous piece ended in: a string, an escape
    for start in range(0, len(raw), _PIECE_BYTES):
        piece = begun + raw[start : start + _PIECE_BYTES]
        escape = b"\\" if (len(piece) - len(piece.rstrip(b"\\"))) % 2 else b""
        # Escaped backslashes are removed first; after that, a remaining backslash escapes the next character.
        plain = piece.removesuffix(escape).replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _OTHERS)
        outside, quote, _ = _TEXTS.sub(b"", plain).partition(b'"')
        found += len(outside)
        if found > MAX_VALUES:
            break
        begun = quote + escape
    return found


def canonical(value: Any) -> str:
    """Returns the same text for equal JSON values, whatever their field order and white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def fingerprint(value: Any) -> str:
    """Returns a hash of the request's meaning, not of its notation."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _too_deep(what: str) -> Exception:
    return problem("unreadable", f"{what} nests more than {MAX_LEVELS} levels deep.")


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        name = clean_text(name)
        if name in found:
            raise _UnreadableError(f"the field {name[:100]} occurs twice in one object")
        found[name] = value
    return found


def _constant(name: str) -> Any:
    raise _UnreadableError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _UnreadableError(f"the number {text[:40]} is too large")
    return number


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python's limit on digits, which guards against quadratic time
        raise _UnreadableError(f"a number of {len(text)} digits is too large") from None
