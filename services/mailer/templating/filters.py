"""Defines the filters that format numbers, sizes, times and durations. A value of another type is an error."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from bureau import formatting


class ValueUnfit(ValueError):
    """Says why the template cannot format a value of its context."""


def number(value: Any, noun: str = "") -> str:
    """Formats 1234567 as `1,234,567`; with the noun `row` as `1,234,567 rows`, and 1 as `1 row`."""
    return formatting.count(_numeric(value), noun) if noun else f"{_numeric(value):,}"


def size(value: Any) -> str:
    """Formats bytes as `512 bytes`, `5.1 kB`, `20.3 MB`."""
    return formatting.size(_numeric(value))


def duration(value: Any) -> str:
    """Formats seconds as `0.4 s`, `42 s`, `3 min 5 s`, `2 h 7 min`."""
    seconds = float(_numeric(value))
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(value: Any) -> str:
    """Formats an RFC 3339 time as `20 November 2025, 10:12 UTC`."""
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueUnfit(f"{value!r:.100} is not a time such as 2025-11-20T10:12:00Z") from None
    if parsed.tzinfo is None:
        raise ValueUnfit(f"{value!r:.100} has no time zone: add Z or an offset")
    utc = parsed.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M} UTC"


def web_link(value: Any) -> str:
    """Returns a link's address; only http and https are valid, so that no context can add a link that runs a script."""
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise ValueUnfit(f"{value!r:.100} is not a link that begins with https:// or http://")
    return value


def pairs(value: Any) -> list[tuple[str, str]]:
    """Returns an object's names and values in its order. Values that are not text are JSON: `true`, `[1, 2]`."""
    if not isinstance(value, dict):
        raise ValueUnfit(f"{value!r:.100} is not an object of names and values")
    return [(name, one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)) for name, one in value.items()]


def _numeric(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueUnfit(f"{value!r:.100} is not a number")
    return value


# These languages follow CLDR's characterOrder. A script may override them: `az-Arab`, `uz-Latn`.
_FROM_THE_RIGHT = {
    *("ar", "ckb", "dv", "fa", "he", "iw", "ks", "lrc", "mzn"),
    *("nqo", "pnb", "ps", "sd", "syr", "ug", "ur", "yi"),
}
_SCRIPTS_FROM_THE_RIGHT = {"adlm", "arab", "hebr", "nkoo", "rohg", "syrc", "thaa"}


def direction(language: Any) -> str:
    """Returns HTML's `dir`: `rtl` for a language tag such as `ar` or `az-Arab`, else `ltr`, also if it is not text."""
    if not isinstance(language, str):
        return "ltr"
    tag, *more = language.lower().replace("_", "-").split("-")
    before_extensions = takewhile(lambda part: len(part) > 1, more)  # RFC 5646: a single letter begins an extension
    script = next((part for part in before_extensions if len(part) == 4 and part.isalpha()), None)
    from_the_right = script in _SCRIPTS_FROM_THE_RIGHT if script else tag in _FROM_THE_RIGHT
    return "rtl" if from_the_right else "ltr"


FILTERS: dict[str, Callable[..., Any]] = {
    "direction": direction,
    "duration": duration,
    "moment": moment,
    "number": number,
    "pairs": pairs,
    "size": size,
    "web_link": web_link,
}
