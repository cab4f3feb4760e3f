"""A certificates API that fails, or answers with what is no archive anybody should open."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.hostile_input.conftest import CONTROL, ROSTER
from tests.support.archives import archive, contents
from tests.support.running.stack import Stack
from tests.support.servers.http_servers import (
    Behaviour,
    HttpExchange,
    HttpServer,
    ends_early,
    http_server,
    never_ends,
    replies,
)

SOUND = archive(("1-Ada-Lovelace.pdf", b"%PDF-1.7 Ada"), ("2-Grace-Hopper.pdf", b"%PDF-1.7 Grace"))
MAX_ARCHIVE_BYTES = 2_000_000
THREE_TRIES = json.dumps({"retry": {"max_attempts": 3, "base_seconds": 0.01, "cap_seconds": 0.05}})


def sends(data: bytes) -> Behaviour:
    return replies(200, data, "application/zip")


class Issuer:
    """Answers the honest job's roster as it should, and others as a test wants it: the last answer stays."""

    def __init__(self) -> None:
        self.server: HttpServer | None = None
        self.answers: list[Behaviour] = []
        self.keys: list[str] = []

    def behave(self, exchange: HttpExchange) -> None:
        if f'filename="{CONTROL}"'.encode() in exchange.received.body:
            sends(SOUND)(exchange)
            return
        self.keys.append(str(exchange.received.headers["Idempotency-Key"]))
        self.answers[min(len(self.keys), len(self.answers)) - 1](exchange)


@pytest.fixture(scope="module")
def hostile_stack(stack: Stack) -> Iterator[Issuer]:
    issuer = Issuer()
    with http_server(issuer.behave) as server:
        stack.processes["certificates"].kill()
        limit = {"CERTIFICATES_MAX_ARCHIVE_BYTES": str(MAX_ARCHIVE_BYTES)}
        stack.start("certificates", env={"CERTIFICATES_API": server.url, **limit})
        yield issuer
        stack.processes["certificates"].kill()
        stack.start("certificates")


@pytest.fixture
def issuer(hostile_stack: Issuer) -> Issuer:
    hostile_stack.keys.clear()
    return hostile_stack


def submitted(stack: Stack) -> dict[str, Any]:
    files = {"files": ("hostile.csv", ROSTER)}
    return stack.api.submit("/v1/certificates", files=files, data={"options": THREE_TRIES})


def test_an_error_that_passes_is_tried_again(stack: Stack, issuer: Issuer) -> None:
    issuer.answers = [replies(500), replies(503, Retry_After="0"), sends(SOUND)]
    ended = stack.api.succeeded(submitted(stack))
    assert contents(stack.api.file(ended)) == contents(SOUND)
    attempts = ended["tasks"][0]["attempts"]
    assert [attempt["error"] and attempt["error"]["message"] for attempt in attempts] == [
        "The certificates API answered 500.",
        "The certificates API answered 503.",
        None,
    ]
    assert len(issuer.keys) == 3
    assert len(set(issuer.keys)) == 1


def test_one_that_stays_fails_the_job_after_its_attempts(stack: Stack, issuer: Issuer) -> None:
    said = {"error": {"message": "The printer\x00 is on fire\x1b[31m."}}
    issuer.answers = [replies(500, json.dumps(said).encode())]
    error = stack.api.failed(submitted(stack))
    assert error["code"] == "certificates_api_unavailable"
    assert error["message"] == "The certificates API answered 500: The printer is on fire [31m."
    assert error["retryable"] is True
    assert len(issuer.keys) == 3


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (
            replies(200, b"<!doctype html><title>Sign in</title>", "text/html"),
            "certificates_not_a_zip",
            "answered 200 with text/html instead of a ZIP archive, beginning “<!doctype html><title>Sign in</title>”.",
        ),
        (replies(200, b"", "application/zip"), "certificates_not_a_zip", "and no body"),
        (sends(SOUND[:-30]), "archive_truncated", "the directory at its end is missing"),
        (ends_early(SOUND[:-30], len(SOUND)), "certificates_api_unreachable", "broke off the connection"),
        (
            sends(archive(("1.pdf", b"%PDF-1.7"), ("../x", b"evil"))),
            "archive_unsafe_name",
            "Member “../x” is refused: its name",
        ),
        (
            never_ends(b"PK\x03\x04"),
            "archive_too_large",
            "more than 2,000,000 bytes, which is the most for an archive (CERTIFICATES_MAX_ARCHIVE_BYTES)",
        ),
    ],
)
def test_an_unsound_archive_is_kept_only_as_refused(
    stack: Stack, issuer: Issuer, answer: Behaviour, code: str, reason: str
) -> None:
    issuer.answers = [answer]
    job = submitted(stack)
    error = stack.api.failed(job)
    assert error["code"] == code
    assert reason in error["message"]
    assert len(issuer.keys) == (3 if error["retryable"] else 1)
    kept = [artifact["name"].split("-")[0] for artifact in stack.api.job(job["id"])["artifacts"]]
    assert kept == (["refused"] if code in ("archive_truncated", "archive_unsafe_name") else [])
