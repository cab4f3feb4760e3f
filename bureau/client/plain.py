"""Python values as the API takes them: times with their zone, ids and enumerations as text."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from os import PathLike, fspath
from typing import Any
from uuid import UUID


def json_bytes(value: Any) -> bytes:
    """Raises `TypeError` for what has no JSON, `ValueError` for NaN and for a time without a zone."""
    return json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False).encode("utf-8", "replace")


def query(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """As parameters of a URL; None is left out, a list is repeated."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        several = value if isinstance(value, list | tuple | set | frozenset) else [value]
        pairs += [(name, str(_plain(one))) for one in several if one is not None]
    return pairs


def _plain(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return value
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"{value!r} has no time zone: give it one, such as datetime.now(UTC)")
            return value.isoformat()
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Enum():
            return value.value
        case PathLike():
            return fspath(value)
        case set() | frozenset():
            return sorted(value)
        case Mapping():
            return dict(value)
    raise TypeError(f"{value!r} ({type(value).__name__}) has no JSON")
