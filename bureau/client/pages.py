"""Reads lists of the API page by page, as far as they are needed."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bureau.client.connection import Connection

PAGE = 200  # the largest page that the API returns


class Paging:
    """Keeps how far a list has been read; the first `limit` of its items are read, or all."""

    def __init__(self, query: Mapping[str, Any] | None, limit: int | None) -> None:
        self._query = query or {}
        self._left = limit
        self._cursor: str | None = None
        self.more = limit is None or limit > 0

    def next_query(self) -> dict[str, Any]:
        size = PAGE if self._left is None else min(PAGE, self._left)
        return {**self._query, "limit": size, "cursor": self._cursor}

    def take(self, page: Mapping[str, Any]) -> list[Any]:
        """Returns the items of the page that `next_query` asked for."""
        found: list[Any] = page["items"]
        self._cursor = page["next_cursor"]
        self._left = None if self._left is None else self._left - len(found)
        self.more = self._cursor is not None and (self._left is None or self._left > 0)
        return found


def items(
    connection: "Connection", path: str, query: Mapping[str, Any] | None = None, *, limit: int | None = None
) -> Iterator[Any]:
    """Yields the list's items: the first `limit`, or all. Raises `Problem`, `Unreachable`."""
    paging = Paging(query, limit)
    while paging.more:
        yield from paging.take(connection.get(path, paging.next_query()))
