"""JSON from outside, read once and strictly: what is accepted here means the same to every reader after it."""

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any

from bureau.contracts.base import clean, clean_text
from bureau.contracts.schemas import too_deep
from bureau.services.gateway.problems import problem

MAX_LEVELS = 100


class _UnreadableError(ValueError):
    """Valid to the parser, refused by us; the text says why."""


def read_json(raw: bytes, what: str = "The body") -> Any:
    """The value, clean of NUL and lone surrogates. Raises a 400 problem that says what is wrong and where."""
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
    return clean(value) if b"\\u" in raw else value  # without escapes there is no way to write what is cleaned


def canonical(value: Any) -> str:
    """The same text for equal JSON values, whatever the order of fields and the white space were."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def fingerprint(value: Any) -> str:
    """Of what was asked, not of how it was written."""
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
