"""Serves `/metrics` in Prometheus' text format."""

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
    """Returns the metrics as text, and its media type."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # these would double the series, and nothing uses them
    return _text(registry), CONTENT_TYPE_PLAIN_0_0_4


def listen(bind: str) -> socket.socket:
    """Returns a listening socket for `host:port`. Raises `SystemExit` if the port is taken."""
    host, _, port = bind.rpartition(":")
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=_family(host), backlog=64)
    except OSError as error:
        raise SystemExit(f"METRICS_BIND: {bind} cannot be used ({error.strerror}); choose another port") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class ProbeServer(ThreadingHTTPServer):
    """Answers `/metrics` and `/healthz`. A client that disconnects before the answer is ignored."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Logs an error, where the base class would print a traceback on stderr."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            log.exception("failed to answer a request from %s", client_address[0])


def serve(listening: socket.socket, registry: CollectorRegistry = REGISTRY) -> None:
    """Serves in a thread that ends with the process. Processes may share the socket; then any of them answers."""
    listening.setblocking(False)  # another process may have taken the connection
    server = ProbeServer(listening.getsockname()[:2], _handler(registry), bind_and_activate=False)
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
            """Logs nothing, because requests come every few seconds."""

    return Metrics


def answer(handler: BaseHTTPRequestHandler, body: bytes, media_type: str, status: int = 200) -> None:
    """Writes a complete HTTP answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", media_type)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
