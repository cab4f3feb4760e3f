"""Sends requests to one gateway without blocking the event loop, and retries those whose failure may pass."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

import httpx

from bureau.client import encoding
from bureau.client.connection import TIMEOUT, Endpoint, accepted, form_request, json_request, problem_of
from bureau.client.errors import ConnectionLost, Problem
from bureau.client.retrying import Outage, Patience
from bureau.client.upload import Upload, open_parts

Returned = TypeVar("Returned")
Arguments = ParamSpec("Arguments")


class AsyncConnection(Endpoint):
    """Sends requests to one gateway. The tasks of one event loop may share it; `close` closes its sockets."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Takes the defaults of an `Endpoint`."""
        super().__init__(url, key, patience)
        self._client = httpx.AsyncClient(base_url=self._base_url, headers=self._headers, timeout=TIMEOUT)
        self.sleep = sleep

    async def close(self) -> None:
        await self._client.aclose()

    async def get(
        self, path: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Returns the answer's JSON, or None for an empty answer. Raises `Problem`, `Unreachable`."""
        params = encoding.query(query or {})
        return self.json(await self._request("GET", path, params=params, headers=dict(headers or {})))

    async def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """Sends a JSON body, a POST with an idempotency key as `Connection.send` does; returns the answer's JSON."""
        return self.json(await self._request(method, path, **json_request(method, body, key)))

    async def upload(
        self, path: str, field: str, uploads: Sequence[Upload], fields: Mapping[str, Any], *, key: str | None = None
    ) -> Any:
        """Sends files in a multipart body, as `Connection.upload` does. A thread reads them, a block at a time."""
        form = form_request(fields, key)

        async def request() -> httpx.Response:
            with open_parts(field, uploads) as parts:
                post = self._client.build_request("POST", path, files=parts, **form)
                post.stream = _ReadByThread(post.stream)
                return await self._client.send(post)

        return self.json(await self._retried(request))

    async def delete(self, path: str) -> None:
        """Deletes a resource. Raises `Problem`, `Unreachable`.

        A 404 after a retry counts as success, because an earlier try whose answer was lost has deleted it.
        """
        outage = Outage()
        try:
            await self._retried(lambda: self._client.request("DELETE", path), outage)
        except Problem as problem:
            if problem.status != 404 or outage.failures == 1:
                raise

    async def get_once(self, path: str) -> Any:
        """Returns the JSON of a single try, whatever its status. Raises `Unreachable`."""
        try:
            return self.json(await self._client.get(path))
        except httpx.TransportError as error:
            raise self.unreachable(error) from error

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str], *, silence_seconds: float
    ) -> AsyncIterator[httpx.Response]:
        """Opens an answer in a single try, to be read as it arrives.

        `silence_seconds` is the longest time without any byte. Raises `Problem`, and `ConnectionLost`, also in the
        block.
        """
        timeout = httpx.Timeout(TIMEOUT.connect, read=silence_seconds)
        try:
            async with self._client.stream("GET", path, headers=headers, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    await answer.aread()
                    raise problem_of(answer)
                yield answer
        except httpx.TransportError as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error

    async def wait_before_retry(self, error: Exception, outage: Outage, *, progressed: bool = False) -> None:
        """Sleeps before the next try, or raises `error`: see `pause_after`."""
        await self.sleep(self.pause_after(error, outage, progressed=progressed))

    async def in_thread(
        self, function: Callable[Arguments, Returned], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Returned:
        """Calls a function that blocks, such as one that writes to a disk, beside the event loop."""
        return await asyncio.to_thread(function, *args, **kwargs)

    async def _request(self, method: str, path: str, **request: Any) -> httpx.Response:
        return await self._retried(lambda: self._client.request(method, path, **request))

    async def _retried(
        self, request: Callable[[], Awaitable[httpx.Response]], outage: Outage | None = None
    ) -> httpx.Response:
        outage = outage or Outage()
        while True:
            try:
                return accepted(await request())
            except (httpx.TransportError, Problem) as error:
                await self.wait_before_retry(error, outage)


class _ReadByThread(httpx.AsyncByteStream):
    """Reads the blocks of a body in a thread, because reading files blocks."""

    def __init__(self, body: object) -> None:
        if not isinstance(body, httpx.SyncByteStream):
            raise TypeError(f"{body!r} is not a body of files")
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = iter(self._body)
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield block
