"""Masks the fields of inputs that are named like secrets."""

import json
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "•••"
MOST_CHARACTERS = 6_000  # of a value on a page; the API returns all of it
_SECRET = re.compile(r"pass(word|wd|phrase)?$|secret|token|(api|private)_?key|authorization|credential", re.IGNORECASE)


def redacted(value: Any) -> Any:
    """Returns the same JSON value with the values of such fields masked, at any depth."""
    match value:
        case Mapping():
            return {name: _hidden(name, inner) for name, inner in value.items()}
        case list():
            return [redacted(inner) for inner in value]
        case _:
            return value


def _hidden(name: str, inner: Any) -> Any:
    return HIDDEN if _SECRET.search(name) and inner not in (None, "", [], {}) else redacted(inner)


def pretty(value: Any) -> str:
    """Formats JSON for people, masked and truncated."""
    text = json.dumps(redacted(value), indent=2, ensure_ascii=False, default=str)
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n… and {len(text) - MOST_CHARACTERS:,} more characters"
