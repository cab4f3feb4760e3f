"""Calls the built-in issuer's WSGI app in a thread, without a network."""

import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from bureau.services.certificates.api.client import CHECKPOINT
from bureau.threads import in_thread

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 2 * (os.cpu_count() or 1)  # typesetting computes: more would only take memory


class InProcessTransport(httpx.AsyncBaseTransport):
    """Calls a WSGI app as `httpx.WSGITransport` does, and also hands it the request's checkpoint.

    There is no socket between them, so the checkpoint is how a stop token ends the app's work and how progress is seen.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._threads = ThreadPoolExecutor(THREADS, "issuer")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answer = await in_thread(self._answer, request, executor=self._threads)
        answer.stream = _Threaded(answer.stream, self._threads)
        return answer

    async def aclose(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        checkpoint = request.extensions.get(CHECKPOINT)

        def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
            return self._app({**environ, CHECKPOINT: checkpoint}, start_response)

        return httpx.WSGITransport(app=app).handle_request(request)


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
