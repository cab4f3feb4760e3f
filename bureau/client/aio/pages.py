"""Reads lists of the API page by page, as far as they are needed."""

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from bureau.client.pages import Paging

if TYPE_CHECKING:
    from bureau.client.aio.connection import AsyncConnection


async def items(
    connection: "AsyncConnection", path: str, query: Mapping[str, Any] | None = None, *, limit: int | None = None
) -> AsyncIterator[Any]:
    """Yields the list's items: the first `limit`, or all. Raises `Problem`, `Unreachable`."""
    paging = Paging(query, limit)
    while paging.more:
        for item in paging.take(await connection.get(path, paging.next_query())):
            yield item
