"""Reads lists of the API page by page, as far as they are needed."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bureau.client.connection import Connection

PAGE = 200  # the largest page that the API returns


def items(
    connection: "Connection", path: str, query: Mapping[str, Any] | None = None, *, limit: int | None = None
) -> Iterator[Any]:
    """Yields the list's items: the first `limit`, or all. Raises `Problem`, `Unreachable`."""
    left = limit
    cursor = None
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = connection.get(path, {**(query or {}), "limit": size, "cursor": cursor})
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return
        left = None if left is None else left - len(page["items"])
