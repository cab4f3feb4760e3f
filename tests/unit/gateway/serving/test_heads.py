"""What the first bytes of a request say about it."""

import pytest

from bureau.services.gateway.serving.heads import HEAD_BYTES, SMALL_BYTES, Arrival, arrival, small_request

POST = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"", Arrival.HEAD_MISSING),
        (b"GET / HTTP/1.1\r\nHost: local", Arrival.HEAD_MISSING),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", Arrival.HEAD_MISSING),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", Arrival.WHOLE),
        (b"GET / HTTP/1.1\nHost: localhost\n\n", Arrival.WHOLE),
        (b"no HTTP at all\r\n\r\n", Arrival.WHOLE),
        (POST + b"Content-Length: 3\r\n\r\n{}", Arrival.BODY_MISSING),
        (POST + b"content-length:2\r\n\r\n{}", Arrival.WHOLE),
        (POST + b"Content-Length: 2\r\n\r\n{}GET / HTTP/1.1", Arrival.WHOLE),
        (POST + b"Content-Length: +16\r\n\r\n", Arrival.SLOW),
        (POST + b"Content-Length: 00000000000000000000003\r\n\r\n{}", Arrival.BODY_MISSING),
        (POST + b"Content-Length: 1234567890123456789\r\n\r\n{}", Arrival.SLOW),
        (POST + b"Content-Length: %d\r\n\r\n{" % SMALL_BYTES, Arrival.SLOW),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Arrival.SLOW),
        (POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n", Arrival.SLOW),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", Arrival.HEALTH),
        (b"HEAD /healthz HTTP/1.0\r\n\r\n", Arrival.HEALTH),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 9\r\n\r\n", Arrival.BODY_MISSING),
        (b"GET /healthz?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", Arrival.WHOLE),
        (b"POST /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", Arrival.WHOLE),
        (b"G" * HEAD_BYTES, Arrival.TOO_LARGE),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10_000, Arrival.TOO_LARGE),
    ],
)
def test_a_thread_may_have_a_request_once_it_is_there(data: bytes, seen: Arrival) -> None:
    assert arrival(data) is seen


@pytest.mark.parametrize("searched", range(0, 45, 3))
def test_the_end_of_a_head_is_found_where_the_last_look_ended(searched: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    seen = min(searched, len(head) - 1)
    assert arrival(head[:seen]) is Arrival.HEAD_MISSING
    assert arrival(head, seen) is Arrival.WHOLE


def test_a_request_with_a_small_body_has_a_known_size() -> None:
    head = POST + b"Content-Length: 10\r\n\r\n"
    assert small_request(head + b"abc") == len(head) + 10
