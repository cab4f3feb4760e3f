"""Defines the types of report parameters: their JSON Schema, and how JSON is read into a Python value."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

Scalar = str | int | float | bool | date | datetime
Value = Scalar | tuple[Scalar, ...] | None  # the values that drivers bind; a list is a tuple

MAX_TEXT = 1000  # characters, if a parameter sets no maximum
MAX_ITEMS = 1000
MAX_INTEGER = 2**63 - 1  # the maximum of PostgreSQL's bigint and SQLite's integer

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class InvalidValue(ValueError):
    """Says which rule a value breaks, in words that follow the parameter's name: "must be at least 1"."""


@dataclass(frozen=True)
class ParameterKind:
    """Describes a type: the JSON Schema of its values, its name in words, and its reader (`InvalidValue`)."""

    schema: dict[str, Any]
    words: str
    read: Callable[[Any], Scalar]


def shown(value: Any) -> str:
    """Formats a value for a message: JSON, cut at 80 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"must be text, not {shown(value)}")
    return value


def _read_integer(value: Any) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise InvalidValue(f"must be a whole number, not {shown(value)}")
    if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise InvalidValue(f"must fit 64 bits, not {shown(value)}")
    return int(value)


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(f"must be a number, not {shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not abs(number) < float("inf"):
        raise InvalidValue(f"must be a finite number, not {shown(value)}")
    return number


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"must be true or false, not {shown(value)}")
    return value


def _read_date(value: Any) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:  # the 31st of February
            pass
    raise InvalidValue(f"must be a date such as 2024-03-31, not {shown(value)}")


def _read_datetime(value: Any) -> datetime:
    if isinstance(value, str) and _DATETIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):  # the 31st of February, or year 1 east of Greenwich
            pass
    raise InvalidValue(f"must be a time with its offset such as 2024-03-31T08:30:00Z, not {shown(value)}")


SCALARS: dict[str, ParameterKind] = {
    "text": ParameterKind({"type": "string"}, "text", _read_text),
    "integer": ParameterKind(
        {"type": "integer", "minimum": -MAX_INTEGER - 1, "maximum": MAX_INTEGER}, "a whole number", _read_integer
    ),
    "number": ParameterKind({"type": "number"}, "a number", _read_number),
    "boolean": ParameterKind({"type": "boolean"}, "true or false", _read_boolean),
    "date": ParameterKind({"type": "string", "format": "date"}, "a date such as 2024-03-31", _read_date),
    "datetime": ParameterKind(
        {"type": "string", "format": "date-time"}, "a time with its offset such as 2024-03-31T08:30:00Z", _read_datetime
    ),
}
TYPES = (*SCALARS, "enum", "list")
