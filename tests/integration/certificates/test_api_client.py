"""The client against servers that answer well and badly. What is transient is tried again, the rest says why."""

import io
import socket
import struct
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime

import pytest

from bureau.contracts.errors import PermanentError, TransientError
from tests.integration.certificates.conftest import LIMIT_BYTES, Call, upload
from tests.support.archives import archive
from tests.support.servers.http_servers import (
    Behaviour,
    HttpExchange,
    Received,
    ends_early,
    hangs,
    http_server,
    never_ends,
    replies,
    resets,
)
from tests.support.servers.ports import free_port

ZIP = archive(("a.pdf", b"%PDF"))
CallTo = Callable[..., Call]


def parts_of(request: Received) -> list[Message]:
    header = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(header + request.body).get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def test_the_uploads_go_out_as_multipart_files_and_the_archive_comes_back(call_to: CallTo) -> None:
    uploads = [
        upload("spring.csv", "text/csv", io.BytesIO(b"recipient\nAda\n")),
        upload('we"ird\r\nñ.csv', "text/csv", io.BytesIO(b"")),
    ]
    with http_server(replies(200, ZIP, "application/zip")) as server:
        assert call_to(server.url + "/issue")(*uploads, key="the-task") == ZIP
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/issue")
    assert request.headers["Idempotency-Key"] == "the-task"
    assert request.headers["Accept-Encoding"] == "identity"
    first, second = parts_of(request)
    assert first.get_param("name", header="content-disposition") == "files"
    assert first.get_filename() == "spring.csv"
    assert first.get_content_type() == "text/csv"
    assert first.get_payload(decode=True) == b"recipient\nAda\n"
    assert "\n" not in (second.get_filename() or "\n")


def test_a_small_request_goes_out_in_one_piece_and_so_does_the_next_on_the_same_connection(call_to: CallTo) -> None:
    pieces: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for _ in range(2):
                    pieces.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ZIP) + ZIP)

        server = threading.Thread(target=serve)
        server.start()
        call = call_to(f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert [call(), call()] == [ZIP, ZIP]
        server.join(10)
    assert [piece.startswith(b"POST / ") and b"recipient\nAda\n" in piece for piece in pieces] == [True, True]
    assert all(piece.endswith(b"--\r\n") for piece in pieces), "the last boundary as well"


def test_an_answer_that_came_before_the_request_could_go_out_is_heard(call_to: CallTo) -> None:
    refused = b'{"error": {"message": "closed for the day"}}'
    connected, gone = threading.Event(), threading.Event()

    class Late(io.BytesIO):
        """Read by the client, which is connected by then, once the server has answered and left."""

        def read(self, size: int | None = -1, /) -> bytes:
            connected.set()
            gone.wait(10)
            return super().read(size)

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            connected.wait(10)  # a reset while the client is still setting its socket up is another story
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(refused) + refused)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no goodbye
            connection.close()
            gone.set()

        server = threading.Thread(target=serve)
        server.start()
        with pytest.raises(PermanentError, match="closed for the day"):
            call_to(f"http://127.0.0.1:{listening.getsockname()[1]}")(upload("a.csv", "text/csv", Late(bytes(200_000))))
        server.join(10)


def test_connections_are_used_again(call_to: CallTo) -> None:
    with http_server(replies(200, ZIP, "application/zip")) as server:
        call = call_to(server.url)
        call()
        call()
    assert len({request.connection for request in server.requests}) == 1


def test_the_bytes_received_are_told_against_those_announced(call_to: CallTo) -> None:
    big = archive(("a.pdf", b"%PDF" + bytes(range(256)) * 600), method=0)
    with http_server(replies(200, big, "application/zip")) as server:
        call = call_to(server.url)
        call()
    assert call.reports[-1] == (len(big), len(big), "bytes")


def test_upload_and_download_are_streamed(call_to: CallTo) -> None:
    class Counting(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.largest = max(self.largest, len(data))
            return data

    file = Counting(bytes(5_000_000))
    with http_server(replies(200, ZIP, "application/zip")) as server:
        call_to(server.url)(upload("big.csv", "text/csv", file))
    assert len(server.requests[0].body) > 5_000_000
    assert 0 < file.largest <= 256 * 1024


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_the_api_s_own_trouble_is_transient(call_to: CallTo, status: int) -> None:
    with (
        http_server(replies(status, b'{"error": {"message": "busy today"}}')) as server,
        pytest.raises(TransientError, match=f"answered {status}: busy today"),
    ):
        call_to(server.url)()


def test_retry_after_is_honoured_in_seconds_and_as_a_date(call_to: CallTo) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    with http_server(replies(503, Retry_After="7"), replies(503, Retry_After=later)) as server:
        call = call_to(server.url)
        with pytest.raises(TransientError) as in_seconds:
            call()
        with pytest.raises(TransientError) as as_date:
            call()
    assert in_seconds.value.retry_after == 7
    assert as_date.value.retry_after == pytest.approx(60, abs=5)


def test_a_refusal_is_permanent_and_shows_what_the_api_says(call_to: CallTo) -> None:
    with (
        http_server(replies(422, b'{"error": {"message": "line 3: no name \\u0007"}}')) as server,
        pytest.raises(PermanentError, match=r"answered 422: line 3: no name$"),
    ):
        call_to(server.url)()


def test_redirects_are_not_followed(call_to: CallTo) -> None:
    with http_server(replies(200, ZIP)) as elsewhere, http_server(replies(302, Location=elsewhere.url)) as server:
        with pytest.raises(PermanentError, match="302, a redirect"):
            call_to(server.url)()
        assert elsewhere.requests == []


def test_a_web_page_in_place_of_the_archive_is_permanent(call_to: CallTo) -> None:
    with (
        http_server(replies(200, b"<!DOCTYPE html><title>Log in</title>", "text/html")) as server,
        pytest.raises(PermanentError, match="text/html instead of a ZIP archive"),
    ):
        call_to(server.url)()


@pytest.mark.parametrize("status", [200, 204])
def test_an_answer_without_a_body_is_permanent(call_to: CallTo, status: int) -> None:
    with http_server(replies(status)) as server, pytest.raises(PermanentError, match="instead of a ZIP"):
        call_to(server.url)()


def test_a_compressed_answer_is_refused_rather_than_expanded(call_to: CallTo) -> None:
    with (
        http_server(replies(200, b"\x1f\x8b", "application/zip", Content_Encoding="gzip")) as server,
        pytest.raises(PermanentError, match="Content-Encoding gzip"),
    ):
        call_to(server.url)()


def test_an_endless_archive_is_given_up_at_the_limit(call_to: CallTo) -> None:
    with http_server(never_ends(b"PK\x03\x04")) as server:
        call = call_to(server.url)
        with pytest.raises(PermanentError, match="300,000 bytes") as caught:
            call()
    assert caught.value.code == "archive_too_large"
    assert len(call.received) <= LIMIT_BYTES


def test_an_archive_announced_as_too_large_is_not_even_begun(call_to: CallTo) -> None:
    with http_server(ends_early(b"PK", announced_bytes=LIMIT_BYTES + 1)) as server:
        call = call_to(server.url)
        with pytest.raises(PermanentError):
            call()
    assert call.received == b""


def test_an_endless_error_is_read_only_at_its_beginning(call_to: CallTo) -> None:
    def endless_error(exchange: HttpExchange) -> None:
        exchange.start(500)
        while True:
            exchange.write(bytes(65536))

    with http_server(endless_error) as server, pytest.raises(TransientError, match="answered 500"):
        call_to(server.url)()


@pytest.mark.parametrize(
    "behaviour", [resets, ends_early(b"PK\x03\x04half", announced_bytes=1000)], ids=["reset", "ends early"]
)
def test_a_broken_connection_is_transient(call_to: CallTo, behaviour: Behaviour) -> None:
    with http_server(behaviour) as server, pytest.raises(TransientError, match="broke off the connection"):
        call_to(server.url)()


def test_a_server_that_is_not_there_is_transient(call_to: CallTo) -> None:
    with pytest.raises(TransientError, match="cannot be reached") as caught:
        call_to(f"http://user:hunter2@127.0.0.1:{free_port()}")()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("beginning", [None, b"PK\x03\x04"], ids=["before the answer", "in the answer"])
def test_a_server_that_hangs_is_transient_after_the_timeout(call_to: CallTo, beginning: bytes | None) -> None:
    with (
        http_server(hangs(beginning)) as server,
        pytest.raises(TransientError, match=r"did not answer within 0\.3 s"),
    ):
        call_to(server.url, timeout_seconds=0.3)()


def test_a_server_that_accepts_no_connection_is_transient_after_the_timeout(call_to: CallTo) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:  # fill the backlog: the kernel drops what comes after
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        started = time.monotonic()
        with pytest.raises(TransientError, match=r"did not accept a connection within 0\.5 s"):
            call_to(f"http://127.0.0.1:{full.getsockname()[1]}", timeout_seconds=0.5)()
        assert time.monotonic() - started < 5
        for client in waiting:
            client.close()


def test_an_api_that_fails_several_times_on_end_is_the_client_s_trouble(call_to: CallTo) -> None:
    answers = [replies(503), replies(503), resets, replies(429), replies(422), replies(503)]
    with http_server(*answers) as server:
        call = call_to(server.url)
        for told in (False, False, True, True):
            with pytest.raises(TransientError):
                call()
            assert bool(call.api.trouble()) is told
        (said,) = call.api.trouble()
        assert (said.name, said.how, said.why) == (
            "certificates API",
            "failing",
            "The certificates API answered 429.",
        )
        with pytest.raises(PermanentError):
            call()  # a refusal is an answer
        assert call.api.trouble() == []
        with pytest.raises(TransientError):
            call()
        assert call.api.trouble() == []


def test_a_failed_call_does_not_spoil_the_next(call_to: CallTo) -> None:
    with http_server(resets, replies(500), never_ends(b"PK"), replies(200, ZIP, "application/zip")) as server:
        call = call_to(server.url)
        for _ in range(3):
            with pytest.raises((TransientError, PermanentError)):
                call()
        assert call() == ZIP
