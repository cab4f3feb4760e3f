"""The stop token ends a call within two seconds, wherever it hangs, and closes its connection."""

import io
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bureau.contracts.errors import Stopped
from bureau.services.certificates.api.multipart import RosterUpload
from bureau.stop_token import StopReason
from tests.integration.certificates.conftest import Call, upload
from tests.support.archives import archive
from tests.support.servers.http_servers import HttpExchange, hangs, http_server, replies
from tests.support.servers.tls import make_authority
from tests.support.waiting import until

ZIP = archive(("a.pdf", b"%PDF"))
CallTo = Callable[..., Call]


@dataclass
class Running:
    """A call in a thread of its own, as a worker makes it; or several, one after the other."""

    call: Call
    uploads: tuple[RosterUpload, ...] = ()
    calls: int = 1
    ended: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            for _ in range(self.calls):
                self.call(*self.uploads)
        except BaseException as error:  # noqa: BLE001  # what it ended with is the test's subject
            self.ended.append(error)

    def stop(self) -> float:
        """Sets the token; the seconds until the call has ended."""
        started = time.monotonic()
        self.call.stop.set(StopReason.CANCELLED)
        self._thread.join(10)
        assert [type(error) for error in self.ended] == [Stopped]
        return time.monotonic() - started


@pytest.mark.parametrize("beginning", [None, b"PK\x03\x04"], ids=["before the answer", "in the answer"])
def test_a_hanging_answer_is_interrupted(call_to: CallTo, beginning: bytes | None) -> None:
    with http_server(hangs(beginning)) as server:
        running = Running(call_to(server.url))
        until(lambda: server.requests, 10, "the request")
        assert running.stop() < 2
        until(lambda: server.finished == 1, 5, "the server sees the connection closed")


def test_a_hanging_answer_on_a_connection_used_before_is_interrupted(call_to: CallTo) -> None:
    with http_server(replies(200, ZIP, "application/zip"), hangs()) as server:
        running = Running(call_to(server.url), calls=2)
        until(lambda: len(server.requests) == 2, 10, "the second request")
        assert running.stop() < 2
    assert len({request.connection for request in server.requests}) == 1


def test_an_upload_nobody_reads_is_interrupted(call_to: CallTo) -> None:
    with socket.socket() as unresponsive_task:
        unresponsive_task.bind(("127.0.0.1", 0))
        unresponsive_task.listen(1)
        file = io.BytesIO(bytes(30_000_000))
        url = f"http://127.0.0.1:{unresponsive_task.getsockname()[1]}"
        running = Running(call_to(url), (upload("big.csv", "text/csv", file),))
        connection, _ = unresponsive_task.accept()
        with connection:
            until(lambda: file.tell() > 1_000_000, 10, "the upload has begun")
            assert running.stop() < 2


def test_a_dripping_answer_is_interrupted(call_to: CallTo) -> None:
    def drips(exchange: HttpExchange) -> None:
        exchange.start(200, {"Content-Type": "application/zip"})
        exchange.write(b"PK\x03\x04")
        while not exchange.client_left(0.05):
            exchange.write(b"x")

    with http_server(drips) as server:
        running = Running(call_to(server.url))
        until(lambda: server.requests, 10, "the request")
        assert running.stop() < 2


def test_a_connection_that_is_never_accepted_is_interrupted(call_to: CallTo) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:  # fill the backlog: the kernel drops what comes after
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        running = Running(call_to(f"http://127.0.0.1:{full.getsockname()[1]}"))
        until(lambda: threading.active_count() > 1, 5, "the call")
        assert running.stop() < 2
        for client in waiting:
            client.close()


def test_a_hanging_tls_handshake_is_interrupted(call_to: CallTo) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        running = Running(call_to(f"https://127.0.0.1:{mute.getsockname()[1]}"))
        connection, _ = mute.accept()
        with connection:
            assert connection.recv(1) == b"\x16"  # the handshake has begun
            assert running.stop() < 2


def test_a_hanging_answer_over_tls_is_interrupted(
    call_to: CallTo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "localhost.pem"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        running = Running(call_to(f"https://127.0.0.1:{listening.getsockname()[1]}"))
        plain, _ = listening.accept()
        with authority.server.wrap_socket(plain, server_side=True) as connection:
            assert connection.recv(65536).startswith(b"POST / ")
            assert running.stop() < 2


def test_a_token_set_before_sends_nothing(call_to: CallTo) -> None:
    with http_server(replies(200, ZIP)) as server:
        call = call_to(server.url)
        call.stop.set(StopReason.SHUTDOWN)
        with pytest.raises(Stopped):
            call()
    assert server.requests == []


def test_other_calls_of_the_same_client_go_on(call_to: CallTo) -> None:
    with http_server(hangs(), replies(200, ZIP, "application/zip")) as server:
        first = call_to(server.url)
        running = Running(first)
        until(lambda: server.requests, 10, "the first request")
        second = Call(first.api, first.loop)
        assert second() == ZIP
        assert running.stop() < 2
        assert second() == ZIP
