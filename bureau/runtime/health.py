"""Runs the health check of a process: its working parts tell whether it is alive, and it exits if it is not.

`/healthz` answers with the result, and `/metrics` beside it with what the process has counted.
Being alive does not mean being ready: an outage of the database or RabbitMQ does not make a process dead, because a
restart would not help.
"""

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

from bureau.metrics import exposition
from bureau.process.background_loop import Loop

LOOK_SECONDS = 5.0
SIBLINGS = 64  # processes of one command that share HEALTH_BIND take the next ports

log = structlog.get_logger(__name__)

Check = Callable[[], str | None]  # returns what is wrong, or None


class HealthChecks:
    """Watches the checks and, if `bind` is given, serves their results."""

    def __init__(self, checks: Mapping[str, Check], bind: str) -> None:
        self._checks = checks
        self._bind = bind
        self._server: ThreadingHTTPServer | None = None
        self._leaving = False
        self._watch = Loop("health", self._look)

    def start(self) -> None:
        if self._bind:
            self._server = _listen(self._bind, self.unhealthy_reason)
            threading.Thread(target=self._server.serve_forever, name="healthz", daemon=True).start()
        self._watch.start()

    def stop(self) -> None:
        self._watch.stop()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def unhealthy_reason(self) -> dict[str, str]:
        """Returns what is wrong, by check; empty while the process is alive."""
        return {name: reason for name, check in self._checks.items() if (reason := check())}

    def _look(self) -> float:
        if not self._leaving and (wrong := self.unhealthy_reason()):
            self._leaving = True  # only once: a second SIGTERM would not wait for tasks to be handed back
            log.critical("the process is not alive any more and exits", **wrong)
            os.kill(os.getpid(), signal.SIGTERM)  # the ordinary stop hands back the tasks that still can be
        return LOOK_SECONDS


def _listen(bind: str, wrong: Callable[[], dict[str, str]]) -> ThreadingHTTPServer:
    """Returns a server bound to `host:port`, or to the next free port after it."""
    host, _, port = bind.rpartition(":")
    for offset in range(SIBLINGS):
        try:
            server = exposition.ProbeServer((host, int(port) + offset), _handler(wrong))
        except OSError as error:
            if offset == SIBLINGS - 1:
                raise SystemExit(f"HEALTH_BIND: no port is free from {bind} on ({error.strerror})") from error
            continue
        log.info("healthz", address=f"http://{host}:{server.server_address[1]}/healthz")
        return server
    raise AssertionError("the loop returns or raises")


def _handler(wrong: Callable[[], dict[str, str]]) -> type[BaseHTTPRequestHandler]:
    class Healthz(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            if self.path == exposition.PATH:
                exposition.answer(self, *exposition.exposed())
            elif self.path != "/healthz":
                self._answer(404, {"status": "not found"})
            elif found := wrong():
                self._answer(503, {"status": "dead", "checks": found})
            else:
                self._answer(200, {"status": "alive"})

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            exposition.answer(self, json.dumps(body).encode(), "application/json", status)

        def log_message(self, format: str, *args: Any) -> None:
            """Logs nothing, because requests come every few seconds."""

    return Healthz
