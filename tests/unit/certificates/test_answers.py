"""What an answer of the certificates API means, as a table."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, ErrorDetail, PermanentError, TaskError, TransientError
from bureau.services.certificates.api.answers import (
    MAX_SHOWN_CHARACTERS,
    error_in,
    not_a_zip,
    refusal,
    retry_after,
    shown,
)

NOW = datetime(2024, 5, 17, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (500, TransientError, "certificates_api_unavailable"),
        (502, TransientError, "certificates_api_unavailable"),
        (503, TransientError, "certificates_api_unavailable"),
        (599, TransientError, "certificates_api_unavailable"),
        (429, TransientError, "certificates_api_unavailable"),
        (408, TransientError, "certificates_api_unavailable"),
        (425, TransientError, "certificates_api_unavailable"),
        (400, PermanentError, "certificates_refused"),
        (401, TransientError, "certificates_api_login_refused"),
        (407, TransientError, "certificates_api_login_refused"),
        (403, PermanentError, "certificates_refused"),
        (404, PermanentError, "certificates_refused"),
        (413, PermanentError, "certificates_refused"),
        (422, PermanentError, "certificates_refused"),
        (301, PermanentError, "certificates_api_redirects"),
        (307, PermanentError, "certificates_api_redirects"),
    ],
)
def test_a_status_decides_whether_trying_again_makes_sense(status: int, kind: type[TaskError], code: str) -> None:
    error = refusal(status, {}, b"", NOW)
    assert type(error) is kind
    assert error.code == code
    assert str(status) in error.message


def test_a_refused_login_names_the_settings_and_is_tried_again_slowly() -> None:
    error = refusal(401, {"retry-after": "1"}, b'{"error": {"message": "Key expired."}}', NOW)
    assert isinstance(error, TransientError)
    assert error.retry_after == LOGIN_REFUSED_SECONDS
    assert error.message.startswith("The certificates API answered 401: Key expired. It refused the login: mend ")
    for setting in ("CERTIFICATES_API_TOKEN", "CERTIFICATES_API_HEADERS", "CERTIFICATES_API"):
        assert setting in error.message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("Fri, 17 May 2024 12:01:30 GMT", 90.0),
        ("Fri, 17 May 2024 11:00:00 GMT", 0.0),
        ("99999999", 86_400.0),
        ("inf", 86_400.0),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
    headers = {} if value is None else {"retry-after": value}
    error = refusal(503, headers, b"", NOW)
    assert isinstance(error, TransientError)
    assert error.retry_after == seconds


@given(st.text(max_size=40))
def test_no_retry_after_breaks_it(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"code": "invalid_roster", "message": "line 3: no name"}}, "line 3: no name"),
        ({"error": "no credit left"}, "no credit left"),
        ({"message": "no credit left"}, "no credit left"),
        ({"detail": "no credit left", "title": "Payment"}, "no credit left"),
        ({"error": {"message": "two\nlines\x00\x1b[31m"}}, "two\nlines [31m"),
        ({"error": {"message": ["not", "text"]}}, None),
        ({"error": None}, None),
        ([1, 2], None),
        ("plain", "plain"),
    ],
)
def test_the_api_s_own_message_is_found(body: object, said: str | None) -> None:
    assert error_in(json.dumps(body).encode())[0] == said


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 20_000, b'{"error": {"message": "cut o'])
def test_a_body_that_is_not_json_says_nothing(body: bytes) -> None:
    assert error_in(body) == (None, [])


def test_the_message_is_shown_in_the_error() -> None:
    assert refusal(422, {}, b'{"error": {"message": "a.csv, line 2: recipient is empty"}}', NOW).message == (
        "The certificates API answered 422: a.csv, line 2: recipient is empty"
    )


@given(st.text(max_size=3000))
def test_an_issuers_message_is_shown_shortened_and_cleaned(text: str) -> None:
    clean = shown(text)
    assert len(clean) <= MAX_SHOWN_CHARACTERS
    assert all(c.isprintable() or c == "\n" or c.isspace() for c in clean)
    clean.encode("utf-8")


def test_a_body_that_is_no_archive_is_described() -> None:
    error = not_a_zip(200, "text/html; charset=utf-8", b"<!DOCTYPE html><title>Log in</title>")
    assert "200 with text/html instead of a ZIP archive" in error.message
    assert "<!DOCTYPE html>" in error.message
    assert "CERTIFICATES_API" in error.message


def test_a_missing_body_is_described() -> None:
    assert "no body" in not_a_zip(204, None, b"").message


def test_the_errors_of_a_roster_are_handed_on_one_by_one() -> None:
    listed = [
        {"file": "a.csv", "line": 2, "column": "email", "message": "email “x” is not an address"},
        {"message": "the whole"},
    ]
    body = json.dumps({"error": {"message": "2 errors", "details": [*listed, "no object", {"file": "b.csv"}]}}).encode()
    assert refusal(422, {}, body, NOW).details == (
        ErrorDetail("email “x” is not an address", "a.csv", 2, "email"),
        ErrorDetail("the whole"),
    )


def test_details_that_are_no_details_are_ignored() -> None:
    detail = {"file": 7, "line": "two", "column": [], "message": "m\x1b" + "x" * 1000}
    (kept,) = error_in(json.dumps({"error": {"message": "x", "details": [detail]}}).encode())[1]
    assert (kept.file, kept.line, kept.column, len(kept.message)) == (None, None, None, 300)
    for details in ("text", 3, {"a": 1}, None):
        assert error_in(json.dumps({"error": {"message": "x", "details": details}}).encode())[1] == []


def test_messages_of_the_built_in_issuer_speak_of_no_api() -> None:
    said = refusal(422, {}, b'{"error": {"message": "a.csv, line 2: recipient is empty"}}', NOW, built_in=True)
    assert said.message == "a.csv, line 2: recipient is empty"
    assert "API" not in refusal(500, {}, b"", NOW, built_in=True).message
