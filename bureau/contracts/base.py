"""Defines the base of every message: frozen, closed to unknown fields, and without text that a database refuses."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

# A key in a schema beside `pattern`: the pattern's rule in words that follow the value in an error message.
RULE = "x-rule"

_SURROGATES = range(0xD800, 0xE000)
_NEEDS_CLEANING = re.compile("[\x00\ud800-\udfff]")
_FORBIDDEN = {0x00: None, **dict.fromkeys(_SURROGATES, "\N{REPLACEMENT CHARACTER}")}


def clean_text(text: str) -> str:
    """Returns `text` without NUL and with lone surrogates replaced, because PostgreSQL stores neither."""
    return text.translate(_FORBIDDEN) if _NEEDS_CLEANING.search(text) else text


def clean(value: Any) -> Any:
    """Returns `value` (any JSON value) with every string in it cleaned, keys included."""
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(k) if isinstance(k, str) else k: clean(v) for k, v in value.items()}
        case list() | tuple():
            return [clean(item) for item in value]
        case _:
            return value


class Contract(BaseModel):
    """Serves as the base of messages between parts. It refuses unknown fields; values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, data: Any) -> Any:
        return clean(data) if isinstance(data, dict) else data
