"""Clients that send slowly, or nothing: /healthz and everybody else are answered meanwhile, by both servers."""

import http.client
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT, Process
from tests.support.servers.ports import free_port
from tests.support.waiting import until

THREADS = 8
POST = b"POST /v1/emails HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ATTACKS = {
    "heads that never end": (60, b"GET / HTTP/1.1\r\nHost: local"),
    "connections that send nothing": (200, b""),
    "small bodies of which one byte comes": (3 * THREADS, POST + b"Content-Length: 100\r\n\r\n{"),
    "large bodies of which one byte comes": (3 * THREADS, POST + b"Content-Length: 10000000\r\n\r\n{"),
    "chunks that never end": (3 * THREADS, POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"),
    "answers that nobody reads": (3 * THREADS, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"),
}


@pytest.fixture(scope="module", params=["gunicorn", "embedded"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        with EmbeddedBureau(folder, env={"WEB_THREADS": str(THREADS), "RATE_LIMIT_PER_MINUTE": "0"}) as bureau:
            bureau.start()
            yield bureau.port
        return
    port = free_port()
    env = {
        "BIND": f"127.0.0.1:{port}",
        "BROKER_URL": "amqp://127.0.0.1:1",
        "DATABASE_URL": f"sqlite:///{folder}/bureau.db",
        "STORAGE_URL": f"file://{folder}/storage",
        "WEB_THREADS": str(THREADS),
        "PYTHONPATH": str(ROOT),
    }
    config = "python:bureau.services.gateway.gunicorn_conf"
    command = [sys.executable, "-m", "gunicorn", "-c", config, "bureau.services.gateway.wsgi:app"]
    process = Process(command, log=folder / "log", env=env, cwd=folder)
    try:
        until(lambda: answers(port, "/v1/jobs"), 60, "the gateway")
        yield port
    finally:
        process.kill()


def answers(port: int, path: str) -> bool:
    """Whether it is answered with 200 within five seconds, half of what a slow client may take."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def connected(port: int, data: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(data)
    return client


@pytest.mark.parametrize("attack", ATTACKS)
def test_others_are_answered_while_slow_clients_hold_on(port: int, attack: str) -> None:
    count, data = ATTACKS[attack]
    clients = [connected(port, data) for _ in range(count)]
    try:
        for _ in range(5):
            assert answers(port, "/healthz")
        until(lambda: answers(port, "/v1/jobs"), 10, "a list for somebody else")
    finally:
        for client in clients:
            client.close()


def test_a_small_body_that_comes_in_pieces_is_answered(port: int) -> None:
    body = b'{"to": ["ada@example.com"], "subject": "Hello", "text": "x"}'
    client = connected(port, POST + b"Content-Length: %d\r\n\r\n" % len(body))
    for piece in (body[:10], body[10:30], body[30:]):
        client.sendall(piece)
    assert client.recv(100).startswith(b"HTTP/1.1 202")
    client.sendall(POST + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)  # the same connection
    received = b""
    while data := client.recv(65536):
        received += data
    assert b"HTTP/1.1 202" in received


def test_a_head_that_is_too_large_and_a_malformed_body_are_refused(port: int) -> None:
    client = connected(port, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 6000)
    assert client.recv(100).split(b"\r\n")[0].split()[1] in (b"431", b"413", b"400")
    client = connected(port, POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n")
    assert client.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [
        b"Transfer-Encoding: chunked\r\n\r\n2a\r\n",
        b"Content-Length: +42\r\n\r\n",
        b"Content-Length: 42\r\nTransfer-Encoding: chunked\r\n\r\n2a\r\n",
    ],
)
def test_a_body_is_never_taken_for_the_next_request(port: int, head: bytes) -> None:
    """The inner request would be answered with 200, had the server read on where the body begins."""
    inner = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    client = connected(port, b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\n" + head + inner)
    client.settimeout(5)
    received = b""
    ends = time.monotonic() + 10
    try:
        while time.monotonic() < ends and (data := client.recv(65536)):
            received += data
    except (TimeoutError, ConnectionError):
        pass
    assert b'"alive"' not in received


def test_clients_that_keep_their_connections_may_be_many(port: int) -> None:
    clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(4 * THREADS)]
    try:
        for _ in range(2):
            for client in clients:
                client.request("GET", "/v1/jobs")
            for client in clients:
                answer = client.getresponse()
                answer.read()
                assert (answer.status, answer.will_close) == (200, False)
    finally:
        for client in clients:
            client.close()
