"""Clients that send slowly, or nothing: /healthz and everybody else are answered meanwhile, by both servers."""

import http.client
import select
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT, Process
from tests.support.servers.ports import free_port
from tests.support.waiting import until

THREADS = 8
POST = b"POST /v1/emails HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
GET = b"GET /healthz?not=known HTTP/1.1\r\nHost: localhost\r\n\r\n"
WINDOW_BYTES = 1024  # what a client takes that reads nothing
ATTACKS = {
    "heads that never end": (60, b"GET / HTTP/1.1\r\nHost: local"),
    "connections that send nothing": (200, b""),
    "small bodies of which one byte comes": (3 * THREADS, POST + b"Content-Length: 100\r\n\r\n{"),
    "large bodies of which one byte comes": (3 * THREADS, POST + b"Content-Length: 10000000\r\n\r\n{"),
    "chunks that never end": (3 * THREADS, POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"),
    "a second request of which the head comes in part": (3 * THREADS, GET + b"GET / HTTP/1.1\r\nHost: local"),
    "a second request of which the body comes in part": (3 * THREADS, GET + POST + b"Content-Length: 100\r\n\r\n{"),
    "a length with many zeros": (3 * THREADS, POST + b"Content-Length: %0100d\r\n\r\n{" % 100),
    "two lengths": (3 * THREADS, POST + b"Content-Length: 0\r\nContent-Length: 100\r\n\r\n"),
    "a length on two lines": (3 * THREADS, POST + b"Content-Length: 0\r\n 100\r\n\r\n"),
    "a length behind a blank that is none": (3 * THREADS, POST + b"\x0bContent-Length: 100\r\n\r\n"),
    "continuations that never come": (3 * THREADS, POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"),
    "questions for health whose connections stay": (3 * THREADS, b"GET /healthz HTTP/1.0\r\n\r\n"),
    "answers that nobody reads": (3 * THREADS, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "answers whose connections end and stay": (3 * THREADS, b"GET /v1/jobs HTTP/1.0\r\nHost: localhost\r\n\r\n"),
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


def connected(port: int, data: bytes, address: str = "127.0.0.1") -> socket.socket:
    client = socket.socket()
    client.settimeout(10)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
    client.bind((address, 0))
    client.connect(("127.0.0.1", port))
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


def test_others_are_answered_while_many_addresses_hold_connections(port: int) -> None:
    """More connections than a server has, from more addresses than each may fill alone."""
    clients = [connected(port, b"", f"127.0.1.{number % 50 + 1}") for number in range(1200)]
    try:
        for _ in range(5):
            assert answers(port, "/healthz")
        until(lambda: answers(port, "/v1/jobs"), 10, "a list for somebody else")
    finally:
        for client in clients:
            client.close()


def test_an_answer_that_is_read_slowly_comes_whole_and_another_one_after_it(port: int) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n"
    whole = read_all(connected(port, request + b"Connection: close\r\n\r\n"))
    assert whole.endswith(b"}")
    twice = read_all(connected(port, request + b"\r\n" + request + b"Connection: close\r\n\r\n"))
    assert twice.count(whole.partition(b"\r\n\r\n")[2]) == 2


def read_all(client: socket.socket) -> bytes:
    client.settimeout(30)
    received = b""
    while data := client.recv(WINDOW_BYTES):
        received += data
    client.close()
    return received


def test_waits_over_a_signed_link_leave_threads_to_others(port: int) -> None:
    mail = {"to": ["ada@example.com"], "subject": "Later", "text": "x", "run_at": "2099-01-01T00:00:00Z"}
    url = f"http://127.0.0.1:{port}"
    job = httpx.post(f"{url}/v1/emails", json=mail, timeout=30).json()["id"]
    link = urlsplit(httpx.post(f"{url}/v1/jobs/{job}/links", json={}, timeout=30).json()["url"])
    head = f"GET {link.path}?{link.query} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\n\r\n"
    clients = [connected(port, head.encode()) for _ in range(5 * THREADS)]
    try:
        for _ in range(5):
            assert answers(port, "/healthz")
        until(lambda: answers(port, "/v1/jobs"), 10, "a list for somebody else")
        answered, _, _ = select.select(clients, [], [], 10)
        until(lambda: len(select.select(clients, [], [], 1)[0]) >= 4 * THREADS, 20, "those without a slot")
        assert all(client.recv(12) == b"HTTP/1.1 200" for client in answered)
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
