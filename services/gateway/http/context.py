"""Around every request: a Request-Id, the door, a log line, security headers."""

import time
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from bureau.metrics import http as metrics
from bureau.services.gateway.http.security import AllowedHosts, add_security_headers, check_door
from bureau.services.gateway.settings import GatewaySettings

log = structlog.get_logger(__name__)

REQUEST_ID = "Request-Id"

_HEALTH = ("healthz", "readyz")
_NAMES_PEOPLE = ("page-certificate",)  # in its path: logs name the route instead


def add_context(app: Flask, settings: GatewaySettings) -> None:
    doors = AllowedHosts.of(settings)

    def begin() -> None:
        g.request_id = uuid4().hex
        g.began = time.monotonic()
        g.headers = {}
        g.in_ledger = False
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if request.endpoint not in _HEALTH:  # asked by whatever address a machine's keeper knows
            check_door(doors, request.method, request.headers.get("Host", ""), request.headers.get("Origin"))

    def end(response: Response) -> Response:
        response.headers[REQUEST_ID] = g.request_id
        response.headers.update(g.headers)
        add_security_headers(response.headers)
        seconds = time.monotonic() - g.began
        route = request.url_rule.rule if request.url_rule else None
        metrics.answered(route, request.method, response.status_code, seconds)
        # Health is asked every few seconds; what an accepted submission says is in the row of its job.
        say = log.debug if request.endpoint in _HEALTH or g.in_ledger else log.info
        say(
            "request",
            method=request.method,
            path=route if request.endpoint in _NAMES_PEOPLE else request.path,
            status=response.status_code,
            seconds=round(seconds, 4),
        )
        response.call_on_close(structlog.contextvars.clear_contextvars)  # the thread goes on to another request
        return response

    app.before_request(begin)
    app.after_request(end)
