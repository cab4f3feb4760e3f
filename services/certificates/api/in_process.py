"""Calls the built-in issuer's WSGI app in a thread, without a network."""

import asyncio
import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import httpx

from bureau.services.certificates.api.client import CHECKPOINT
from bureau.threads import in_thread

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 2 * (os.cpu_count() or 1)  # typesetting computes: more would only take memory


class InProcessTransport(httpx.AsyncBaseTransport):
    """Calls a WSGI app as `httpx.WSGITransport` does, and also hands it the request's checkpoint.

    There is no socket between them, so the checkpoint is how a stop token ends the app's work and how progress is seen.
    The app reads the body piece by piece; `httpx.WSGITransport` would hold all of it, twice, before the app could
    refuse it for its size.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(THREADS, "issuer")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pieces = _from_loop(cast("AsyncIterable[bytes]", request.stream), asyncio.get_running_loop())
        answer = await in_thread(self._answer, request, pieces, executor=self._threads)
        answer.stream = _Threaded(answer.stream, self._threads)
        return answer

    async def aclose(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, request: httpx.Request, pieces: Iterable[bytes]) -> httpx.Response:
        added = {
            CHECKPOINT: request.extensions.get(CHECKPOINT),
            "wsgi.input": io.BufferedReader(_Body(pieces)),
            "wsgi.input_terminated": True,  # it ends by itself, with or without a Content-Length
        }

        def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
            return self._app({**environ, **added}, start_response)

        head = httpx.Request(request.method, request.url, headers=request.headers, stream=httpx.ByteStream(b""))
        return httpx.WSGITransport(app=app).handle_request(head)


def _from_loop(stream: AsyncIterable[bytes], loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """Yields the pieces to another thread, each as soon as the loop has it."""
    pieces = aiter(stream)

    async def one() -> bytes | None:
        return await anext(pieces, None)

    while (piece := asyncio.run_coroutine_threadsafe(one(), loop).result()) is not None:
        yield piece


class _Body(io.RawIOBase):
    """Reads a request's body from its pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        room = memoryview(buffer).cast("B")
        count = min(len(room), len(self._left))
        room[:count], self._left = self._left[:count], self._left[count:]
        return count


class _Threaded(httpx.AsyncByteStream):
    """Reads an answer's body in a thread, piece by piece."""

    def __init__(self, inner: Any, threads: ThreadPoolExecutor) -> None:
        self._inner = inner
        self._threads = threads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self._inner)
        while (piece := await in_thread(next, pieces, None, executor=self._threads)) is not None:
            yield piece

    async def aclose(self) -> None:
        await in_thread(self._inner.close, executor=self._threads)
