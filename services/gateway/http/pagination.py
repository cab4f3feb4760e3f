"""Paginates lists with `limit` and a `cursor`.

The cursor names the last item seen, so that pages stay stable while rows are added.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import Field

from bureau.contracts.base import Contract, clean_text
from bureau.contracts.problems import FieldError
from bureau.services.gateway.problems import invalid

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class PageQuery(Contract):
    """Holds the parameters of every list."""

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="The number of items in a page.")
    cursor: str | None = Field(default=None, max_length=500, description="The `next_cursor` of the previous page.")


def cursor_of(*key: Any) -> str:
    """Returns an opaque cursor for a key of strings and numbers."""
    return urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read_cursor(cursor: str, read: Callable[[list[Any]], T]) -> T:
    """Calls `read` with the key in a cursor. Raises a 422 problem for a text that is not one of our cursors."""
    try:
        key = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if not isinstance(key, list):
            raise TypeError("a cursor holds a list")
        if any(isinstance(part, str) and clean_text(part) != part for part in key):
            raise ValueError("the text cannot be stored in a database")
        return read(key)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, RecursionError, AttributeError):
        detail = "Use the next_cursor of the previous page unchanged, or leave it out."
        raise invalid([FieldError("wrong_form", detail, parameter="cursor")]) from None


def page_of(items: Sequence[T], query: PageQuery, key: Callable[[T], tuple[str, ...]]) -> tuple[list[T], str | None]:
    """Returns a page of a list in memory, which is sorted by `key`, and its next cursor."""
    seen = read_cursor(query.cursor, _texts) if query.cursor is not None else None
    rest = [item for item in items if seen is None or key(item) > seen]
    return cut(rest, query.limit, lambda item: cursor_of(*key(item)))


def cut(items: Sequence[T], limit: int, cursor: Callable[[T], str]) -> tuple[list[T], str | None]:
    """Returns the first `limit` items, and the cursor of the last one if there are more."""
    shown = list(items[:limit])
    return shown, cursor(shown[-1]) if len(items) > limit else None


def _texts(key: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(part, str) for part in key):
        raise TypeError("this is the cursor of another list")
    return tuple(key)
