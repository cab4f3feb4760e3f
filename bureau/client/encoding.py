"""Encodes Python values for the API: times with their zone, ids and enumerations as text, files as references."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from os import PathLike, fspath
from typing import Any
from uuid import UUID

from bureau.client.file_reference import FileReference


def json_bytes(value: Any) -> bytes:
    """Returns the value as JSON in UTF-8.

    Raises `TypeError` for a type that JSON cannot hold, and `ValueError` for NaN and for a time without a zone.
    """
    return json.dumps(value, default=_encode, allow_nan=False, ensure_ascii=False).encode("utf-8", "replace")


def query(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the values as parameters of a URL. None is left out; a list repeats its parameter. Raises as above."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        several = value if isinstance(value, list | tuple | set | frozenset) else [value]
        pairs += [(name, str(_encode(one))) for one in several if one is not None]
    return pairs


def _encode(value: Any) -> Any:
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
        case FileReference():
            return {"artifact": value.id}
    raise TypeError(f"{value!r} ({type(value).__name__}) cannot be written as JSON")
