"""Writes arguments and results as Celery's json serializer does: a datetime, Decimal or UUID comes back as one.

Each of them becomes an object with `__type__` and `__value__`, so code outside of Python can read it too.
"""

import base64
import json
import math
import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from bureau.celery.exceptions import NotInBureau

RESULT_KEY = "$result"
_MARKS = {"__type__", "__value__"}


class NotJson(TypeError):
    """Says which argument cannot be written as JSON, and what to pass instead. Celery raises kombu's EncodeError."""


def encoded(value: Any, what: str = "argument") -> Any:
    """Returns plain JSON data. Raises `NotJson` for a value that JSON cannot hold, such as a model."""
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _finite(value, what)
    if isinstance(value, list | tuple):
        return [encoded(item, f"{what}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _object(value, what)
    if reducer := getattr(value, "__json__", None):
        return encoded(reducer(), what)
    return _typed(value, what)


def decoded(value: Any) -> Any:
    """Returns what `encoded` was given; tuples have become lists, and the keys of a dict text."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == _MARKS and (decode := _DECODERS.get(value["__type__"])):
            return decode(value["__value__"])
        return {key: decoded(item) for key, item in value.items()}
    return value


def _object(value: dict[Any, Any], what: str) -> dict[str, Any]:
    if RESULT_KEY in value:
        raise NotJson(f"{what}: the key {RESULT_KEY} stands for the result of another task in Bureau; rename it")
    return {_key(key, what): encoded(item, f"{what}[{key!r}]") for key, item in value.items()}


def _key(key: Any, what: str) -> str:
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, bool | int | float):
        return json.loads(json.dumps({key: 0}).partition(":")[0][1:])
    raise NotJson(f"{what}: keys must be text or numbers, not {type(key).__name__}")


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise NotJson(f"{what}: {value} is no JSON number; pass None")
    return float(value)


def _typed(value: Any, what: str) -> Any:
    match value:
        case datetime():
            return _as("datetime", value.isoformat())
        case date():
            return _as("date", value.isoformat())
        case time():
            return _as("time", value.isoformat())
        case Decimal():
            return _as("decimal", str(value))
        case uuid.UUID():
            return _as("uuid", {"hex": value.hex})
        case bytes():
            return _bytes(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if hasattr(value, "_proxy____cast") or hasattr(value, "__cast"):  # Django's lazy text
        return str(value)
    if hasattr(value, "_meta") and hasattr(value, "pk"):
        raise NotJson(f"{what}: {kind} is a model and no JSON; pass its primary key and read it in the task")
    raise NotJson(f"{what}: {kind} cannot be written as JSON; pass numbers, text, lists, dicts, dates, Decimal or UUID")


def _bytes(value: bytes) -> Any:
    try:
        return _as("bytes", value.decode())
    except UnicodeDecodeError:
        return _as("base64", base64.b64encode(value).decode())


def _as(kind: str, value: Any) -> dict[str, Any]:
    return {"__type__": kind, "__value__": value}


_DECODERS: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": lambda text: datetime.fromisoformat(text).date(),
    "time": time.fromisoformat,
    "decimal": Decimal,
    "uuid": lambda parts: uuid.UUID(**parts),
    "bytes": lambda text: text.encode(),
    "base64": base64.b64decode,
}


def refuse_serializer(name: Any) -> None:
    """Raises `NotInBureau` for a serializer that is not json."""
    if name not in (None, "json", "application/json"):
        raise NotInBureau(
            f"serializer={name!r}: Bureau keeps arguments and results as JSON; leave it out, pass ids and plain data"
        )
