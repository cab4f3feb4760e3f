"""The images' health check: what it leaves with."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.running.processes import ROOT
from tests.support.servers.ports import free_port


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Of a server whose /healthz answers with this status."""

    class Healthz(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthz)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def status(port: int) -> int:
    command = [sys.executable, "-SE", "deploy/healthcheck.py", str(port)]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL, timeout=20, check=False).returncode


@pytest.mark.parametrize("port", [200], indirect=True)
def test_a_process_that_answers_is_healthy(port: int) -> None:
    assert status(port) == 0


@pytest.mark.parametrize("port", [503], indirect=True)
def test_a_process_that_reports_a_problem_is_unhealthy(port: int) -> None:
    assert status(port) == 1


def test_a_process_that_does_not_answer_is_unhealthy() -> None:
    assert status(free_port()) == 1
