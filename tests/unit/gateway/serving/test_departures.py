"""Answers that clients read slowly: what the kernel does not take is sent by one thread, within limits."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bureau.services.gateway.serving import departing_socket, departures
from bureau.services.gateway.serving.departing_socket import DepartingSocket
from bureau.services.gateway.serving.departures import Departures
from tests.support.waiting import until

LARGE = b"0123456789" * 100_000  # more than a socket's buffers hold


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's end and the server's."""
    with ExitStack() as stack:
        outside, inside = (stack.enter_context(one) for one in socket.socketpair())
        outside.settimeout(30)
        yield outside, inside


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (departing_socket, departures):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)


def read(client: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (data := client.recv(size - len(received))):
        received += data
    return received


@pytest.mark.parametrize("timeout", [None, 10.0])
def test_what_the_kernel_does_not_take_is_kept(
    ends: tuple[socket.socket, socket.socket], timeout: float | None
) -> None:
    client, server = ends
    server.settimeout(timeout)
    sock = DepartingSocket(server, lambda: False)
    sock.keeps = True
    sock.sendall(LARGE[:600_000])
    assert sock.send(LARGE[600_000:900_000]) == 300_000
    assert 0 < len(sock.rest) < 900_000
    left: list[str] = []
    going: Departures[str] = Departures(left.append)
    going.add("it", server, "a", sock.rest, lambda one: left.append(f"{one} is through"))
    assert read(client, 900_000) == LARGE[:900_000]
    until(lambda: left == ["it is through"], 30)
    assert server.gettimeout() == timeout


def test_a_small_answer_leaves_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    sock = DepartingSocket(server, lambda: False)
    sock.sendall(b"hello")
    assert client.recv(10) == b"hello"
    assert not sock.rest


@pytest.mark.parametrize("keeps", [True, False])
def test_a_client_that_reads_slowly_needs_a_slot(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    """Of a stream at once; of an answer as soon as more is left than is kept."""
    monkeypatch.setattr(departing_socket, "PATIENCE_SECONDS", 0.1)
    asked = iter([False])
    sock = DepartingSocket(ends[1], lambda: next(asked))
    sock.keeps = keeps
    with pytest.raises(TimeoutError):
        sock.sendall(LARGE * 3)
    assert next(asked, None) is None


@pytest.mark.parametrize("named", ["SILENT_SECONDS", "GRACE_SECONDS"])
def test_a_client_with_a_slot_is_given_up_when_it_is_silent_or_too_slow(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setattr(departing_socket, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(departing_socket, named, 0.2)
    sock = DepartingSocket(ends[1], lambda: True)
    with pytest.raises(TimeoutError):
        sock.sendall(LARGE)


class Leaving:
    """Departures with a client each, which reads nothing."""

    def __init__(self, stack: ExitStack) -> None:
        self.closed: list[int] = []
        self.through: list[int] = []
        self.going: Departures[int] = Departures(self.closed.append)
        self._stack = stack

    def add(self, number: int, address: str, rest: bytes = LARGE) -> socket.socket:
        outside, inside = (self._stack.enter_context(one) for one in socket.socketpair())
        self.going.add(number, inside, address, rest, self.through.append)
        return outside


@pytest.fixture
def leaving() -> Iterator[Leaving]:
    with ExitStack() as stack:
        yield Leaving(stack)


def test_the_oldest_of_an_address_with_too_many_is_closed(leaving: Leaving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "PER_ADDRESS", 2)
    for number, address in enumerate(["a", "b", "a", "a"]):
        leaving.add(number, address)
    assert leaving.closed == [0]


@pytest.mark.parametrize(("limit", "value"), [("CONNECTIONS", 3), ("BYTES", 3 * len(LARGE))])
def test_the_address_with_most_makes_room(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(departures, limit, value)
    for number, address in enumerate(["b", "a", "a", "c"]):
        leaving.add(number, address)
    assert 1 in leaving.closed
    assert 0 not in leaving.closed


@pytest.mark.parametrize("named", ["SILENT_SECONDS", "GRACE_SECONDS"])
def test_a_client_that_takes_nothing_is_closed(leaving: Leaving, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setattr(departures, named, 0.1)
    leaving.add(1, "a", LARGE * 3)
    until(lambda: leaving.closed == [1], 30)
    assert leaving.through == []


def test_a_client_that_has_left_is_closed(leaving: Leaving) -> None:
    leaving.add(1, "a").close()
    until(lambda: leaving.closed == [1], 30)
