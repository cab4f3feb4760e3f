"""Runs a reverse proxy that publishes a server under a path, as nginx does with `location /bureau/`."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PIECE = 65536


class PathProxy:
    """Passes on what is under `root` to `upstream`; with `strips`, without the root.

    `strays` are the paths of requests that were not under it.
    """

    def __init__(self, root: str, *, strips: bool = True) -> None:
        self.root = root
        self.upstream: tuple[str, int] = ("127.0.0.1", 0)
        self.strays: list[str] = []
        self._strips = strips
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                self.close_connection = True
                proxy._pass_on(self)

            do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{root}"
        threading.Thread(target=self._server.serve_forever, name="path proxy", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        if not asked.path.startswith(f"{self.root}/"):
            self.strays.append(asked.path)
            asked.send_error(404, "Nothing of the gateway is here")
            return
        path = asked.path.removeprefix(self.root) if self._strips else asked.path
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        headers = [(name, value) for name, value in asked.headers.items() if name.lower() != "connection"]
        lines = [f"{asked.command} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
        with suppress(OSError), socket.create_connection(self.upstream, timeout=60) as server:
            server.sendall(head + body)
            while piece := server.recv(_PIECE):  # as it comes: an event stream has no end
                asked.wfile.write(piece)
                asked.wfile.flush()


@contextmanager
def path_proxy(root: str, *, strips: bool = True) -> Iterator[PathProxy]:
    proxy = PathProxy(root, strips=strips)
    try:
        yield proxy
    finally:
        proxy.close()
