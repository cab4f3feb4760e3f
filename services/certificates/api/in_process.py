"""Calls the built-in issuer's WSGI app in the worker's own thread, without a network."""

from typing import TYPE_CHECKING, Any

import httpx

from bureau.services.certificates.api.client import CHECKPOINT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class InProcessTransport(httpx.BaseTransport):
    """Calls a WSGI app as `httpx.WSGITransport` does, and also hands it the request's checkpoint.

    There is no socket between them, so the checkpoint is how a stop token ends the app's work and how progress is seen.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        checkpoint = request.extensions.get(CHECKPOINT)

        def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
            return self._app({**environ, CHECKPOINT: checkpoint}, start_response)

        return httpx.WSGITransport(app=app).handle_request(request)
