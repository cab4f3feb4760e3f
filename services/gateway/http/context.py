"""Wraps every request: adds a Request-Id, checks Host and Origin, writes a log line, adds security headers."""

import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from bureau import malloc
from bureau.metrics import http as metrics
from bureau.services.gateway.http import prefix
from bureau.services.gateway.http.security import AllowedHosts, add_security_headers, check_door
from bureau.services.gateway.settings import GatewaySettings

log = structlog.get_logger(__name__)

REQUEST_ID = "Request-Id"

LARGE_BYTES = 1_000_000  # above this, memory is trimmed, because the values read from a body take many times its size

_HEALTH = ("healthz", "readyz")
_NAMES_PEOPLE = ("page-certificate",)  # the path contains personal data, so logs name the route instead


def add_context(app: Flask, settings: GatewaySettings) -> None:
    doors = AllowedHosts.of(settings)

    def begin() -> None:
        g.request_id = uuid4().hex
        g.began = time.monotonic()
        g.headers = {}
        g.in_ledger = False
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if request.endpoint not in _HEALTH:  # health checks use whatever address the orchestrator knows
            check_door(doors, request.method, request.headers.get("Host", ""), request.headers.get("Origin"))

    def end(response: Response) -> Response:
        response.headers[REQUEST_ID] = g.request_id
        if (location := response.headers.get("Location", "")).startswith("/"):
            response.headers["Location"] = f"{prefix.current().root}{location}"
        response.headers.update(g.headers)
        add_security_headers(response.headers)
        seconds = time.monotonic() - g.began
        route = request.url_rule.rule if request.url_rule else None
        metrics.answered(route, request.method, response.status_code, seconds)
        # Health checks run every few seconds, and an accepted submission is recorded in its job's row: both are logged
        # as debug.
        say = log.debug if request.endpoint in _HEALTH or g.in_ledger else log.info
        say(
            "request",
            method=request.method,
            path=route if request.endpoint in _NAMES_PEOPLE else request.path,
            status=response.status_code,
            seconds=round(seconds, 4),
        )
        if _may_be_large(request.content_length, request.headers.get("Transfer-Encoding")):
            response.call_on_close(malloc.trim)  # also after a body of unknown length
        response.call_on_close(structlog.contextvars.clear_contextvars)  # the thread goes on to another request
        return response

    app.before_request(begin)
    app.after_request(end)


def _may_be_large(length: int | None, transfer_encoding: str | None) -> bool:
    return length >= LARGE_BYTES if length is not None else transfer_encoding is not None
