"""Ends an exchange with an API in which no byte has gone either way for too long."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from types import TracebackType
from typing import Self, overload


class Silence:
    """Raises `TimeoutError` in its block after `seconds` of silence. `watched` bytes break the silence."""

    def __init__(self, seconds: float, *, before_first: float) -> None:
        """Allows `before_first` seconds more before the first bytes, for the connection, which has its own limit."""
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._first = seconds + before_first

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._timeout.reschedule(asyncio.get_running_loop().time() + self._first)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, traceback)

    @overload
    def watched(self, pieces: bytes) -> bytes: ...
    @overload
    def watched(self, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]: ...
    def watched(self, pieces: bytes | AsyncIterable[bytes]) -> bytes | AsyncIterator[bytes]:
        """Returns the same pieces; each of them breaks the silence. Bytes that go out in one piece stay as they are."""
        return pieces if isinstance(pieces, bytes) else self._each(pieces)

    async def _each(self, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)
            yield piece
