"""Defines `AsyncBureau`, the client of one gateway with one key for programs on asyncio."""

from typing import Self

from bureau.client.aio.operations import AsyncOperations
from bureau.client.aio.submissions import AsyncSubmissions
from bureau.client.retrying import Patience


class AsyncBureau(AsyncSubmissions, AsyncOperations):
    """Sends requests to the gateway at `url`, with the methods and the defaults of `Bureau`; calls are awaited.

    The tasks of one event loop may share it; it opens no connection before the first request.
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, patience: Patience | None = None) -> None:
        # Here, because httpx takes longer to import than all the rest: `bureau --help` does without it.
        from bureau.client.aio.connection import AsyncConnection

        self.connection = AsyncConnection(url, key, patience=patience)

    def __repr__(self) -> str:
        return f"AsyncBureau({self.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def url(self) -> str:
        return self.connection.url

    async def close(self) -> None:
        """Closes the connections."""
        await self.connection.close()
