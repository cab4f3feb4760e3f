"""Calls the built-in issuer's WSGI app in the worker's own thread, without a network."""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import httpx

from bureau.services.certificates.api.client import CHECKPOINT

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class InProcessTransport(httpx.BaseTransport):
    """Calls a WSGI app as `httpx.WSGITransport` does, and also hands it the request's checkpoint.

    There is no socket between them, so the checkpoint is how a stop token ends the app's work and how progress is seen.
    The app reads the body piece by piece; `httpx.WSGITransport` would hold all of it, twice, before the app could
    refuse it for its size.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = io.BufferedReader(_Body(cast("Iterable[bytes]", request.stream)))
        added = {
            CHECKPOINT: request.extensions.get(CHECKPOINT),
            "wsgi.input": body,
            "wsgi.input_terminated": True,  # it ends by itself, with or without a Content-Length
        }

        def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
            return self._app({**environ, **added}, start_response)

        head = httpx.Request(request.method, request.url, headers=request.headers, stream=httpx.ByteStream(b""))
        return httpx.WSGITransport(app=app).handle_request(head)


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
