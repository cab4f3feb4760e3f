"""Connections wait in one thread until their requests have arrived; slow and silent ones are closed in time."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest

from bureau.services.gateway.serving import arrivals
from bureau.services.gateway.serving.arrivals import Arrivals
from bureau.services.gateway.serving.heads import HEAD_BYTES, SMALL_BYTES
from bureau.services.gateway.serving.waiting import Server, Waiting
from tests.support.waiting import until

THREADS = 8  # so four large bodies at once, two of one address
HEAD = b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\n"
LARGE = HEAD + b"Content-Length: %d\r\n\r\n" % (SMALL_BYTES * 2)
LONG = 60.0


class Client:
    """One connection: the client's end, and the server's."""

    def __init__(self, number: int, address: str) -> None:
        self.number, self.address = number, address
        self.outside, self.inside = socket.socketpair()
        self.outside.settimeout(30)

    def send(self, data: bytes) -> None:
        self.outside.sendall(data)

    def answer(self) -> bytes:
        """What was sent to the client until its connection was closed."""
        pieces = []
        while piece := self.outside.recv(1000):
            pieces.append(piece)
        return b"".join(pieces)


class Recorder:
    """A server that notes to whom each connection went, and closes as servers do."""

    def __init__(self) -> None:
        self.served: list[int] = []
        self.health: list[int] = []
        self.closed: list[int] = []
        self.clients: list[Client] = []
        self.arrivals: Arrivals[Client] = Arrivals(
            Server(lambda one: self.served.append(one.number), lambda one: self.health.append(one.number), self._close),
            THREADS,
        )
        self._numbers = count()

    def _close(self, client: Client) -> None:
        client.inside.setblocking(False)
        with suppress(BlockingIOError):  # or the kernel would reset the connection, and the client lose its answer
            while client.inside.recv(1 << 20):
                pass
        self.closed.append(client.number)
        client.inside.close()

    def connect(self, data: bytes = b"", address: str = "a", *, kept: bool = False, already: bytes = b"") -> Client:
        client = Client(next(self._numbers), address)
        self.clients.append(client)
        client.inside.settimeout(7)
        self.arrivals.add(client, client.inside, address, kept=kept, already=already)
        if data:
            client.send(data)
        return client


@pytest.fixture
def server() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    for client in recorder.clients:
        with suppress(OSError):
            client.outside.close()
            client.inside.close()


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets deadlines; those that are not named stay far away."""

    def set_them(**seconds: float) -> None:
        for name in ("HEAD_SECONDS", "BODY_SECONDS", "IDLE_SECONDS"):
            monkeypatch.setattr(arrivals, name, seconds.get(name, LONG))
        monkeypatch.setattr(arrivals, "LOOK_SECONDS", 0.02)

    set_them()
    return set_them


@pytest.mark.usefixtures("deadlines")
@pytest.mark.parametrize(
    "request_bytes",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HEAD + b"Content-Length: 5\r\n\r\nhello", b"\x16\x03\x01\r\n\r\n"],
)
def test_a_request_is_served_once_it_is_whole_and_nothing_of_it_was_read(
    server: Recorder, request_bytes: bytes
) -> None:
    client = server.connect(request_bytes[:-1])
    other = server.connect(request_bytes)
    until(lambda: server.served == [other.number], 30)
    client.send(request_bytes[-1:])
    until(lambda: server.served == [other.number, client.number], 30)
    assert client.inside.gettimeout() == 7
    assert client.inside.recv(1000) == request_bytes
    assert server.arrivals.count == 0


@pytest.mark.usefixtures("deadlines")
def test_a_question_for_health_goes_to_its_own_thread(server: Recorder) -> None:
    client = server.connect(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: server.health == [client.number], 30)
    assert server.served == []


@pytest.mark.usefixtures("deadlines")
def test_a_client_that_goes_away_is_forgotten(server: Recorder) -> None:
    client = server.connect()
    client.outside.close()
    until(lambda: server.closed == [client.number], 30)
    assert server.arrivals.count == 0


@pytest.mark.usefixtures("deadlines")
def test_a_head_that_is_too_large_is_refused(server: Recorder) -> None:
    client = server.connect(HEAD + b"X: " + b"x" * HEAD_BYTES)
    assert client.answer().startswith(b"HTTP/1.1 431 ")
    assert server.closed == [client.number]


@pytest.mark.parametrize(
    ("named", "data", "kept"),
    [
        ("HEAD_SECONDS", b"", False),
        ("HEAD_SECONDS", HEAD, False),
        ("IDLE_SECONDS", b"", True),
        ("HEAD_SECONDS", HEAD, True),
        ("BODY_SECONDS", HEAD + b"Content-Length: 5\r\n\r\nhel", False),
    ],
)
def test_each_deadline_closes_what_is_late(
    server: Recorder, deadlines: Callable[..., None], named: str, data: bytes, kept: bool
) -> None:
    deadlines(**{named: 0.1})
    client = server.connect(data, kept=kept)
    assert client.answer() == b""
    assert server.closed == [client.number]


def test_one_byte_after_the_other_does_not_move_the_deadline_of_a_head(
    server: Recorder, deadlines: Callable[..., None]
) -> None:
    deadlines(HEAD_SECONDS=0.5)
    client = server.connect()

    def trickled() -> bool:
        with suppress(OSError):
            client.send(b"x")
        return server.closed == [client.number]

    until(trickled, 30)


@pytest.mark.usefixtures("deadlines")
def test_the_oldest_of_an_address_with_too_many_connections_is_closed(
    server: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PER_ADDRESS", 3)
    other = server.connect(address="b")
    mine = [server.connect() for _ in range(5)]
    assert server.closed == [mine[0].number, mine[1].number]
    assert server.arrivals.count == 4
    other.send(b"GET / HTTP/1.1\r\n\r\n")
    until(lambda: server.served == [other.number], 30)


@pytest.mark.usefixtures("deadlines")
def test_the_oldest_is_closed_also_among_those_that_wait_for_a_slot(
    server: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PER_ADDRESS", 3)
    for _ in range(2):  # they get slots
        server.connect(LARGE)
        until(lambda: server.arrivals.count == 0, 30)
    mine = [server.connect(LARGE) for _ in range(3)]
    for _ in range(2):
        server.connect()
    assert server.closed == [mine[0].number, mine[1].number]


@pytest.mark.usefixtures("deadlines")
def test_the_address_with_most_connections_makes_room_when_there_are_too_many(
    server: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "CONNECTIONS", 4)
    first = server.connect(address="b")
    many = [server.connect(address=f"2001:db8::{number}") for number in range(3)]  # one network, so one client
    last = server.connect(address="c")
    assert server.closed == [many[0].number]
    for client in (first, last):
        client.send(b"GET / HTTP/1.1\r\n\r\n")
    until(lambda: sorted(server.served) == [first.number, last.number], 30)


@pytest.mark.usefixtures("deadlines")
def test_a_request_that_came_in_part_with_the_one_before_waits_like_any_other(server: Recorder) -> None:
    whole = server.connect(kept=True, already=b"GET / HTTP/1.1\r\n\r\n")
    assert server.served == [whole.number]
    head = server.connect(kept=True, already=b"GET / HTTP/1.1\r\n")
    body = server.connect(kept=True, already=HEAD + b"Content-Length: 5\r\n\r\nhel")
    large = server.connect(kept=True, already=LARGE)
    until(lambda: large.number in server.served, 30)
    assert server.served == [whole.number, large.number]
    head.send(b"\r\n")
    body.send(b"lo")
    until(lambda: len(server.served) == 4, 30)


def test_a_request_that_came_in_part_has_the_deadline_of_a_head(
    server: Recorder, deadlines: Callable[..., None]
) -> None:
    deadlines(HEAD_SECONDS=0.1)
    client = server.connect(kept=True, already=b"GET / HTTP/1.1\r\n")
    assert client.answer() == b""
    assert server.closed == [client.number]


@pytest.mark.usefixtures("deadlines")
@pytest.mark.parametrize(
    "request_bytes", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HEAD + b"Content-Length: 5\r\n\r\nhello"]
)
def test_a_request_that_comes_byte_by_byte_is_served_when_it_is_whole(
    server: Recorder, monkeypatch: pytest.MonkeyPatch, request_bytes: bytes
) -> None:
    monkeypatch.setattr(arrivals, "DRIP_SECONDS", 0.02)
    client = server.connect()
    for byte in request_bytes:
        client.send(bytes([byte]))
    until(lambda: server.served == [client.number], 30)
    assert client.inside.recv(1000) == request_bytes


@pytest.mark.usefixtures("deadlines")
def test_a_head_that_comes_byte_by_byte_costs_few_looks(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    read_ahead = Arrivals._read_ahead

    def counted(self: Arrivals[Client], waiting: Waiting[Client]) -> None:
        nonlocal looks
        looks += 1
        read_ahead(self, waiting)

    monkeypatch.setattr(Arrivals, "_read_ahead", counted)
    client = server.connect(HEAD)
    until(lambda: looks == 1, 30)
    for _ in range(2 * arrivals.LOOKS):
        before = looks
        client.send(b"x")
        if before < arrivals.LOOKS:
            until(lambda: looks > before, 30)  # noqa: B023 - asked within the loop
    client.send(b"\r\n\r\n")
    until(lambda: server.served == [client.number], 30)
    assert looks < 2 * arrivals.LOOKS


@pytest.mark.usefixtures("deadlines")
def test_a_client_that_reads_no_answers_gets_none_about_health(server: Recorder) -> None:
    client = server.connect()
    client.inside.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            client.inside.send(b"x" * 65536)
    client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: server.closed == [client.number], 30)
    assert server.health == []


def test_a_connection_that_ends_is_closed_when_its_client_has_left_or_its_time_is_over(
    server: Recorder, deadlines: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves, stays, sends = (Client(number, "a") for number in range(3))
    server.clients.extend([leaves, stays, sends])
    for client in (leaves, sends):
        server.arrivals.linger(client, client.inside, client.address)
        assert client.outside.recv(10) == b""
    leaves.outside.close()
    until(lambda: server.closed == [leaves.number], 30)
    sends.send(b"x" * arrivals.LINGER_BYTES)
    until(lambda: server.closed == [leaves.number, sends.number], 30)
    monkeypatch.setattr(arrivals, "LINGER_SECONDS", 0.1)
    server.arrivals.linger(stays, stays.inside, stays.address)
    until(lambda: server.closed[-1] == stays.number, 30)
    assert server.arrivals.count == 0


@pytest.mark.usefixtures("deadlines")
def test_large_bodies_take_half_of_the_threads_and_one_address_a_quarter(server: Recorder) -> None:
    mine = [server.connect(LARGE) for _ in range(4)]
    until(lambda: len(server.served) == 2, 30)
    others = [server.connect(LARGE, address) for address in ("b", "b", "c")]
    until(lambda: len(server.served) == 4, 30)
    assert all(server.arrivals.is_slow(server.clients[number]) for number in server.served)
    small = server.connect(b"GET / HTTP/1.1\r\n\r\n")
    until(lambda: server.served[-1] == small.number, 30)
    waiting = {client.number for client in (*mine, *others)} - set(server.served)
    assert (len(waiting), server.arrivals.count) == (3, 3)
    for number in server.served[:4]:
        server.arrivals.finished(server.clients[number])
    until(lambda: waiting <= set(server.served), 30)


def test_a_large_body_that_gets_no_slot_in_time_is_told_so(server: Recorder, deadlines: Callable[..., None]) -> None:
    first = [server.connect(LARGE) for _ in range(2)]
    until(lambda: len(server.served) == 2, 30)
    deadlines(BODY_SECONDS=0.1)
    late = server.connect(LARGE)
    assert late.answer().startswith(b"HTTP/1.1 503 ")
    assert server.closed == [late.number]
    assert sorted(server.served) == [client.number for client in first]


@pytest.mark.usefixtures("deadlines")
def test_a_stopping_server_waits_for_nobody_who_sent_nothing(server: Recorder) -> None:
    client = server.connect()
    server.arrivals.hurry(0.1)
    assert client.answer() == b""
    assert server.closed == [client.number]
