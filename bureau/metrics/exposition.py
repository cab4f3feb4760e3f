"""`/metrics`: what a process has counted, in Prometheus' text format."""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, CollectorRegistry, disable_created_metrics
from prometheus_client import generate_latest as _text

log = structlog.get_logger(__name__)

PATH = "/metrics"


def exposed(registry: CollectorRegistry = REGISTRY) -> tuple[bytes, str]:
    """The text and its media type."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody needs
    return _text(registry), CONTENT_TYPE_PLAIN_0_0_4


def listen(bind: str) -> socket.socket:
    """A listening socket for `host:port`. Raises `SystemExit` where that is taken."""
    host, _, port = bind.rpartition(":")
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=_family(host), backlog=64)
    except OSError as error:
        raise SystemExit(f"METRICS_BIND: {bind} cannot be used ({error.strerror}); choose another port") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class AskedByMachines(ThreadingHTTPServer):
    """For `/metrics` and `/healthz`: whoever asks may hang up before the answer, and nobody need know."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Instead of a traceback on stderr."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            log.exception("a question of %s could not be answered", client_address[0])


def serve(listening: socket.socket, registry: CollectorRegistry = REGISTRY) -> None:
    """Answers in a thread that ends with the process. Processes may share the socket: any of them answers."""
    listening.setblocking(False)  # a sibling may have taken the connection
    server = AskedByMachines(listening.getsockname()[:2], _handler(registry), bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _handler(registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Metrics(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != PATH:
                return self.send_error(404)
            return answer(self, *exposed(registry))

        def log_message(self, format: str, *args: object) -> None:
            """Asked every few seconds: nothing to log."""

    return Metrics


def answer(handler: BaseHTTPRequestHandler, body: bytes, media_type: str, status: int = 200) -> None:
    """Writes a whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", media_type)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
