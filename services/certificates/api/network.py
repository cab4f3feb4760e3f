"""Provides the HTTP transport to the API: httpx's interface over aiohttp's connections.

httpcore's own pool looks through all its connections for each request: 400 calls of a second took 18 s on one client.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

R = TypeVar("R")

UNLIMITED = 0  # aiohttp's default is 100 at once; the number of tasks limits them


class NetworkTransport(httpx.AsyncBaseTransport):
    """Speaks HTTP/1.1 over kept connections, as many as there are calls. Errors of aiohttp become those of httpx."""

    def __init__(self, *, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._context = httpx.create_ssl_context()
        self._inner = AiohttpTransport(verify=self._context, client=self._session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await _translated(lambda: self._inner.handle_async_request(request))
        assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101 - the transport's own
        answer.stream = _Stream(answer.stream)
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _session(self) -> aiohttp.ClientSession:
        """Makes the session, on the event loop."""
        connector = aiohttp.TCPConnector(limit=UNLIMITED, keepalive_timeout=self._idle_seconds, ssl=self._context)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


class _Stream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._inner)
        while True:
            try:
                piece = await _translated(lambda: anext(pieces))
            except StopAsyncIteration:
                return
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _translated(act: Callable[[], Awaitable[R]]) -> R:
    """Awaits an act of the inner transport, whose own mapping calls most errors a timeout of the connection."""
    try:
        return await act()
    except (httpx.TransportError, aiohttp.ClientError) as error:
        raise _meaning(error) from error


def _meaning(error: Exception) -> httpx.TransportError:
    cause = error.__cause__ if isinstance(error, httpx.TransportError) else error
    text = str(cause or error)
    match cause:
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout(text)
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(text)
        case aiohttp.ServerTimeoutError():
            return httpx.ReadTimeout(text)
        case aiohttp.ClientResponseError():
            return httpx.RemoteProtocolError(text)
        case _:
            return httpx.ReadError(text)
