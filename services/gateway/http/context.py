"""Wraps every request: adds a Request-Id, checks Host and Origin, writes a log line, adds security headers."""

import time
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, Request, Response, g, request

from bureau.metrics import http as metrics
from bureau.process import malloc
from bureau.services.gateway.http import prefix
from bureau.services.gateway.http.security import AllowedHosts, add_headers, check_door
from bureau.services.gateway.settings import GatewaySettings

log = structlog.get_logger(__name__)

REQUEST_ID = "Request-Id"

LARGE_BYTES = 1_000_000  # above this, memory is trimmed, because the values read from a body take many times its size

_HEALTH = ("healthz", "readyz")
_NAMES_PEOPLE = ("page-certificate",)  # the path contains personal data, so logs name the route instead


def add_context(app: Flask, settings: GatewaySettings) -> None:
    doors = AllowedHosts.of(settings)

    def begin() -> None:
        asked, kept = _this()
        kept.request_id = request_id = uuid4().hex
        kept.began = time.monotonic()
        kept.headers = {}
        kept.in_ledger = False
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if asked.endpoint not in _HEALTH:  # health checks use whatever address the orchestrator knows
            check_door(doors, asked.method, asked.environ.get("HTTP_HOST", ""), asked.environ.get("HTTP_ORIGIN"))

    def end(response: Response) -> Response:
        asked, kept = _this()
        prefix.of(asked.environ).put_before_location(response.headers)
        add_headers(response.headers, {REQUEST_ID: kept.request_id, **kept.headers})
        seconds = time.monotonic() - kept.began
        route = asked.url_rule.rule if asked.url_rule else None
        metrics.answered(route, asked.method, response.status_code, seconds)
        # Health checks run every few seconds, and an accepted submission is recorded in its job's row: both are logged
        # as debug.
        write = log.debug if asked.endpoint in _HEALTH or kept.in_ledger else log.info
        write(
            "request",
            method=asked.method,
            path=route if asked.endpoint in _NAMES_PEOPLE else asked.path,
            status=response.status_code,
            seconds=round(seconds, 4),
        )
        if _may_be_large(asked.content_length, asked.environ.get("HTTP_TRANSFER_ENCODING")):
            response.call_on_close(malloc.trim)  # also after a body of unknown length
        response.call_on_close(structlog.contextvars.clear_contextvars)  # the thread goes on to another request
        return response

    app.before_request(begin)
    app.after_request(end)


def _this() -> tuple[Request, Any]:
    """Returns the request and its values as they are, because each use of a proxy costs time."""
    proxies: Any = (request, g)
    asked, kept = (proxy._get_current_object() for proxy in proxies)
    return asked, kept


def _may_be_large(length: int | None, transfer_encoding: str | None) -> bool:
    return length >= LARGE_BYTES if length is not None else transfer_encoding is not None
