"""Tests the answers of `/metrics` and `/healthz`, also to clients that disconnect early."""

import socket
import struct
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge
from structlog.testing import capture_logs

from bureau.metrics import exposition
from bureau.runtime.health import HealthChecks
from tests.support.servers.ports import free_port
from tests.support.waiting import until

BYTES = 20_000_000  # more than the buffers of a connection hold


@pytest.fixture(scope="module")
def large() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("test_large", "x" * BYTES, registry=registry)
    return registry


@pytest.fixture
def address(large: CollectorRegistry) -> Iterator[tuple[str, int]]:
    listening = exposition.listen("127.0.0.1:0")
    exposition.serve(listening, large)
    yield listening.getsockname()
    listening.close()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """The errors that answers ended with."""
    seen: list[BaseException | None] = []
    handle = exposition.ProbeServer.handle_error

    def noted(self: exposition.ProbeServer, request: object, client: object) -> None:
        seen.append(sys.exception())
        handle(self, request, client)

    monkeypatch.setattr(exposition.ProbeServer, "handle_error", noted)
    return seen


def ask_and_hang_up(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        asking.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        asking.recv(100)
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end


def test_a_client_that_disconnects_is_ignored_and_the_next_one_is_answered(
    address: tuple[str, int],
    broken: list[BaseException | None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with capture_logs() as said:
        ask_and_hang_up(address)
        until(lambda: broken, 10, "the answer broke off")
    assert isinstance(broken[0], ConnectionError)
    with urllib.request.urlopen(f"http://127.0.0.1:{address[1]}/metrics", timeout=10) as answer:
        assert len(answer.read()) > BYTES
    assert (said, capfd.readouterr().err) == ([], "")


def test_an_internal_error_is_logged(broken: list[BaseException | None], monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> tuple[bytes, str]:
        raise ValueError("no text")

    monkeypatch.setattr(exposition, "exposed", wrong)
    listening = exposition.listen("127.0.0.1:0")
    exposition.serve(listening)
    with capture_logs() as said, socket.create_connection(listening.getsockname()) as asking:
        asking.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert asking.recv(100) == b""
        until(lambda: said, 10, "the error in the log")
    listening.close()
    assert [type(error) for error in broken] == [ValueError]
    assert [(record["log_level"], record["exc_info"]) for record in said] == [("error", True)]


def test_processes_of_one_command_take_successive_ports() -> None:
    port = free_port()
    processes = [HealthChecks({}, f"127.0.0.1:{port}") for _ in range(2)]
    for process in processes:
        process.start()
    try:
        for number in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{port + number}/healthz", timeout=10) as answer:
                assert answer.status == 200
    finally:
        for process in processes:
            process.stop()
