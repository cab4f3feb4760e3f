"""Lists of the API: page after page, as far as they are read."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bureau.client.connection import Connection

PAGE = 200  # as many as the API gives at once


def items(
    connection: "Connection", path: str, query: Mapping[str, Any] | None = None, *, limit: int | None = None
) -> Iterator[Any]:
    """The list's items, the first `limit` of them, or all."""
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
