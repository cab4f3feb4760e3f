"""Tests that requests are retried until they are answered, and take effect once."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bureau.client import Bureau, Patience, Problem, Unreachable
from tests.support.servers.http_servers import HttpExchange, replies, resets
from tests.unit.client.conftest import JOB, Served, answer, problem

KEY = "bureau_abc_verysecret"


def keys(requests: list[Any]) -> set[str]:
    return {request.headers["Idempotency-Key"] for request in requests}


def test_a_submission_is_retried_with_its_idempotency_key_until_it_is_answered(served: Served) -> None:
    trouble = [resets, problem(503, "ledger-unavailable", Retry_After="7"), problem(409, "idempotency-key-busy")]
    bureau, server = served(*trouble, replies(502, b"<html>", "text/html"), answer(JOB, 202))
    assert bureau.task("shop.suma", a=2, b=2).id == JOB["id"]
    assert len(server.requests) == 5
    assert len(keys(server.requests)) == 1
    assert len({request.body for request in server.requests}) == 1
    assert 7 <= served.waits[1] <= 8


def test_each_submission_has_its_own_idempotency_key_or_the_given_one(served: Served) -> None:
    bureau, server = served(answer(JOB, 202))
    bureau.task("shop.suma", a=2, b=2)
    bureau.task("shop.suma", a=2, b=2)
    bureau.email("ada@example.com", "Hello", "Hello Ada.", idempotency_key="welcome-ada")
    assert len(keys(server.requests)) == 3
    assert server.requests[-1].headers["Idempotency-Key"] == "welcome-ada"
    assert b"idempotency" not in server.requests[-1].body


def test_every_try_sends_the_complete_files(served: Served, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_bytes(b"recipient,course\nAda,Patience\n")
    handle = io.BytesIO(b"sent")
    handle.seek(3)
    bureau, server = served(resets, problem(503, "storage-unavailable"), answer(JOB, 202))
    bureau.certificates(roster, ("more.csv", b"bytes"), ("open.csv", handle), email_to="ada@example.com")
    assert len(server.requests) == 3
    assert len(keys(server.requests)) == 1
    for request in server.requests:
        assert b"Ada,Patience" in request.body
        assert request.body.count(b"\r\n\r\nsent\r\n") == 1
        assert b'{"email_to": ["ada@example.com"]}' in request.body


def test_a_file_is_sent_with_its_media_type(served: Served, tmp_path: Path) -> None:
    packed = tmp_path / "rows.csv.gz"
    packed.write_bytes(b"x")
    bureau, server = served(answer(JOB, 202))
    invitation = ("invite.ics", b"BEGIN:VCALENDAR", "text/calendar; method=REQUEST")
    bureau.email("ada@example.com", "Hello", "Hello Ada.", files=[packed, invitation, ("a.pdf", b"x")])
    (request,) = server.requests
    assert [line.partition(b": ")[2] for line in request.body.split(b"\r\n") if line.startswith(b"Content-Type")] == [
        b"application/gzip",
        b"text/calendar; method=REQUEST",
        b"application/pdf",
    ]
    with pytest.raises(ValueError, match="one line"):
        bureau.email("ada@example.com", "Hello", "Hello Ada.", files=[("a", b"x", "a/b\r\nX-Evil: 1")])


def test_an_unreadable_file_is_an_error_before_anything_is_sent(served: Served, tmp_path: Path) -> None:
    bureau, server = served(answer(JOB, 202))
    with pytest.raises(FileNotFoundError):
        bureau.certificates(tmp_path / "missing.csv")
    assert server.requests == []


def test_a_try_that_took_long_before_it_failed_is_retried_too(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def uploads_for_minutes(exchange: HttpExchange) -> None:
        now[0] += 600
        exchange.reset()

    monkeypatch.setattr("bureau.client.connection.time", SimpleNamespace(monotonic=lambda: now[0]))
    bureau, server = served(uploads_for_minutes, answer(JOB, 202))
    bureau.task("shop.suma", a=2, b=2)
    assert len(server.requests) == 2


def test_a_refusal_is_not_retried_and_lists_every_error(served: Served) -> None:
    errors = [
        {"pointer": "#/to/0", "code": "wrong", "detail": "No address."},
        {"parameter": "q", "code": "x", "detail": "No."},
    ]
    body = {"type": "/problems/invalid", "title": "Refused", "status": 422, "detail": "a (1 more)", "errors": errors}
    bureau, server = served(replies(422, json.dumps(body).encode(), "application/problem+json", Request_Id="r-1"))
    with pytest.raises(Problem) as caught:
        bureau.email("nobody", "Hello", "text")
    assert (caught.value.status, caught.value.slug, caught.value.request_id) == (422, "invalid", "r-1")
    assert str(caught.value) == "Refused:\n  #/to/0: No address.\n  q: No."
    assert [error.where for error in caught.value.errors] == ["#/to/0", "q"]
    assert len(server.requests) == 1


def test_a_retry_after_longer_than_the_patience_is_not_waited_for(served: Served) -> None:
    bureau, server = served(problem(429, "too-many-requests", Retry_After="3600"))
    with pytest.raises(Problem) as caught:
        bureau.queues()
    assert caught.value.retry_after_seconds == 3600
    assert (len(server.requests), served.waits) == (1, [])


def test_an_unreachable_gateway_is_named_without_its_password() -> None:
    with Bureau("http://ada:hunter2@127.0.0.1:1", KEY, patience=Patience(seconds=0)) as bureau:
        with pytest.raises(Unreachable) as caught:
            bureau.queues()
        shown = f"{caught.value} {caught.value!r} {bureau!r} {bureau.connection!r}"
    assert "http://127.0.0.1:1" in shown
    assert "BUREAU_URL" in shown
    assert "hunter2" not in shown
    assert KEY not in shown


def test_an_answer_of_another_server_is_an_error(served: Served) -> None:
    bureau, _ = served(replies(200, b"<html>Welcome to nginx!", "text/html"))
    with pytest.raises(Unreachable, match="is not Bureau: it sent text/html"):
        bureau.queues()


def test_a_redirect_is_not_followed_with_the_key(served: Served) -> None:
    bureau, server = served(replies(302, b"", Location="http://127.0.0.1:1/elsewhere"), key=KEY)
    with pytest.raises(Problem) as caught:
        bureau.queues()
    assert caught.value.status == 302
    assert [request.headers["Authorization"] for request in server.requests] == [f"Bearer {KEY}"]


def test_the_environment_names_address_and_key(served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, server = served(answer({"items": [], "next_cursor": None}))
    monkeypatch.setenv("BUREAU_URL", f"{server.url}/")
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setenv("BUREAU_KEY_FILE", str(file))
    with Bureau() as bureau:
        assert bureau.queues() == []
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("url", ["127.0.0.1:8600", "ftp://example.com", "http://"])
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://host:port"):
        Bureau(url)


def test_pages_of_a_list_are_requested_as_they_are_needed(served: Served) -> None:
    pages = [answer({"items": [{**JOB, "id": str(n)}], "next_cursor": f"c{n}"}) for n in range(3)]
    bureau, server = served(*pages)
    jobs = bureau.jobs(state=["failed", "cancelled"], kind="job")
    assert [next(jobs).id, next(jobs).id] == ["0", "1"]
    assert [request.path for request in server.requests] == [
        "/v1/jobs?state=failed&state=cancelled&kind=job&limit=200",
        "/v1/jobs?state=failed&state=cancelled&kind=job&limit=200&cursor=c0",
    ]
    assert [job.id for job in bureau.jobs(limit=1)] == ["2"]


def test_a_time_without_a_zone_is_refused(served: Served) -> None:
    bureau, server = served(answer(JOB, 202))
    with pytest.raises(ValueError, match="no time zone"):
        bureau.task("shop.suma", a=2, b=2, run_at=datetime(2030, 1, 1))
    bureau.task("shop.suma", a=2, b=2, run_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert b'"run_at": "2030-01-01T00:00:00+00:00"' in server.requests[-1].body


def test_parameters_and_terms_are_split(served: Served) -> None:
    bureau, server = served(answer(JOB, 202))
    bureau.report("monthly-sales", since="2026-01-01", email_to="cfo@example.com", title="Sales")
    bureau.report("odd", {"title": "a parameter"}, limit=3)
    assert server.requests[0].body == (
        b'{"report": "monthly-sales", "params": {"since": "2026-01-01"}, "email_to": ["cfo@example.com"], '
        b'"title": "Sales"}'
    )
    assert server.requests[1].body == b'{"report": "odd", "params": {"title": "a parameter", "limit": 3}}'
