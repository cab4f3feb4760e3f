"""Idempotency-Key: a request sent twice is done once."""

import threading
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import httpx
import pytest

from bureau.contracts.ids import new_id
from bureau.ledger.access import idempotency
from bureau.ledger.access.idempotency import Reservation, Scope
from bureau.ledger.db.database import LedgerUnavailable
from bureau.services.gateway.http.parsing.json_body import fingerprint
from tests.integration.gateway.conftest import Door, pointers
from tests.support.waiting import until

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
KEY = {"Idempotency-Key": "one"}


def jobs(door: Door) -> int:
    return len(door.get("/v1/jobs").json()["items"])


def test_the_same_request_answers_the_same_job_as_it_is_now(door: Door) -> None:
    first = door.post("/v1/emails", MAIL, headers=KEY)
    door.post(f"{first.headers['Location']}/cancel")
    again = door.post("/v1/emails", dict(reversed(MAIL.items())), headers=KEY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.json()["state"] == "cancelled"
    assert jobs(door) == 1


def test_another_request_with_the_key_is_refused(door: Door) -> None:
    door.post("/v1/emails", MAIL, headers=KEY)
    answer = door.post("/v1/emails", {**MAIL, "subject": "Other"}, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert jobs(door) == 1


def test_a_key_belongs_to_one_path(door: Door) -> None:
    door.post("/v1/emails", MAIL, headers=KEY)
    assert door.post("/v1/reports", {"report": "sales"}, headers=KEY).status_code == 202


def test_a_form_is_the_same_whatever_its_boundary_is(door: Door) -> None:
    def post(contents: bytes) -> httpx.Response:  # httpx makes a new boundary each time
        return door.post("/v1/certificates", files=[("files", ("a.csv", contents))], data={"title": "x"}, headers=KEY)

    first, again, other = post(b"one"), post(b"one"), post(b"two")
    assert first.headers["Content-Type"] == again.headers["Content-Type"]
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 422)
    assert again.json()["id"] == first.json()["id"]
    assert len(door.stored()) == 1


def test_a_refused_request_leaves_its_key_free(door: Door) -> None:
    unknown = {"report": "nope"}
    assert door.post("/v1/reports", unknown, headers=KEY).status_code == 422
    assert door.post("/v1/reports", {"report": "sales"}, headers=KEY).status_code == 202


def test_a_twin_under_way_is_told_to_come_again(door: Door) -> None:
    held = idempotency.reserve(door.db, Scope("local", "POST", "/v1/emails", "one"), fingerprint(MAIL))
    assert isinstance(held, Reservation)
    answer = door.post("/v1/emails", MAIL, headers=KEY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")
    idempotency.release(door.db, held)
    assert door.post("/v1/emails", MAIL, headers=KEY).status_code == 202


def test_concurrent_twins_are_done_once(door: Door) -> None:
    answers: list[httpx.Response] = []
    start = threading.Barrier(8)

    def post() -> None:
        start.wait()
        answers.append(door.post("/v1/emails", MAIL, headers=KEY))

    twins = [threading.Thread(target=post) for _ in range(8)]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join(30)
    assert {answer.status_code for answer in answers} <= {202, 409}
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert len({answer.json()["id"] for answer in accepted}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in accepted) == 1
    assert jobs(door) == 1


def test_a_file_is_stored_once(door: Door) -> None:
    def post() -> httpx.Response:
        return door.post("/v1/files", files={"file": ("ñ" * 140 + ".txt", b"x")}, headers=KEY)

    first, again = post(), post()
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"] == first.json()["url"]
    assert len(door.stored()) == 1


def test_cancel_takes_a_key_too(door: Door) -> None:
    job = door.post("/v1/emails", MAIL).json()
    first, again = (door.post(f"/v1/jobs/{job['id']}/cancel", headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused_by_name(door: Door, key: str) -> None:
    answer = door.post("/v1/emails", MAIL, headers={"Idempotency-Key": key})
    assert (answer.status_code, pointers(answer)) == (422, ["Idempotency-Key"])


def test_a_wait_is_honoured_at_a_replay(door: Door) -> None:
    first = door.post("/v1/emails", MAIL, headers=KEY)
    door.post(f"{first.headers['Location']}/cancel")
    headers: dict[str, Any] = {**KEY, "Prefer": "wait=5"}
    again = door.post("/v1/emails", MAIL, headers=headers)
    assert (again.status_code, again.headers["Preference-Applied"]) == (200, "wait=5")


GRAPH = {"tasks": [{"name": "send", "run": "mailer.send", "input": MAIL}]}
SUBMISSIONS = [("/v1/emails", MAIL), ("/v1/reports", {"report": "sales"}), ("/v1/jobs", GRAPH)]


class Tomorrow(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain one, as its callers take
        return datetime.now(tz) + timedelta(days=1)


def in_an_hour(delay_seconds: float) -> dict[str, Any]:
    return {"delay_seconds": delay_seconds, "expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}


@pytest.mark.parametrize(("path", "body"), SUBMISSIONS)
def test_a_job_that_would_expire_before_it_starts_is_refused(door: Door, path: str, body: dict[str, Any]) -> None:
    answer = door.post(path, {**body, **in_an_hour(3700)})
    assert (answer.status_code, pointers(answer)) == (422, ["#/expires_at"])
    assert "delay_seconds is 3700" in answer.json()["errors"][0]["detail"]
    assert door.post(path, {**body, **in_an_hour(60)}).status_code == 202
    assert jobs(door) == 1


def test_so_is_one_in_a_form_or_a_batch(door: Door) -> None:
    form = {name: str(value) for name, value in in_an_hour(3700).items()}
    answer = door.post("/v1/certificates", files=[("files", ("a.csv", b"one"))], data=form)
    assert (answer.status_code, pointers(answer)) == (422, ["#/expires_at"])
    assert door.stored() == []
    answer = door.post("/v1/jobs/batch", {"jobs": [GRAPH, {**GRAPH, **in_an_hour(3700)}]})
    assert (answer.status_code, pointers(answer)) == (422, ["#/jobs/1/expires_at"])
    assert jobs(door) == 0


def ids(answer: httpx.Response) -> list[str]:
    """Of the job, or of the jobs of a batch."""
    return [job["id"] for job in answer.json().get("items", [answer.json()])]


@pytest.mark.parametrize(("path", "body"), [*SUBMISSIONS, ("/v1/jobs/batch", {"jobs": [GRAPH]})])
def test_a_request_that_came_in_time_is_answered_also_when_it_is_repeated_late(
    door: Door, path: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = in_an_hour(60)
    given = {"jobs": [{**body["jobs"][0], **terms}]} if "jobs" in body else {**body, **terms}
    first = door.post(path, given, headers=KEY)
    monkeypatch.setattr("bureau.submission.terms.datetime", Tomorrow)
    again = door.post(path, given, headers=KEY)
    assert (first.status_code, again.status_code, ids(again)) == (202, 202, ids(first))
    assert again.headers["Idempotent-Replayed"] == "true"
    assert door.post(path, given, headers={"Idempotency-Key": "two"}).status_code == 422
    assert jobs(door) == 1


@pytest.mark.parametrize(("path", "body"), SUBMISSIONS)
def test_so_is_one_with_an_id_of_its_own(
    door: Door, path: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**body, **in_an_hour(60), "id": str(new_id())}
    first = door.post(path, given)
    monkeypatch.setattr("bureau.submission.terms.datetime", Tomorrow)
    again = door.post(path, given)
    assert (first.status_code, again.status_code) == (202, 202)
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (given["id"], "true")
    assert door.post(path, {**given, "id": str(new_id())}).status_code == 422
    assert jobs(door) == 1


def test_a_key_that_an_outage_left_reserved_is_released_when_the_ledger_is_back(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, answer, release = threading.Event(), idempotency.answer, idempotency.release
    away.set()

    def unless_away(act: Any) -> Any:
        def call(*given: Any) -> Any:
            if away.is_set():
                raise LedgerUnavailable("the server closed the connection")
            return act(*given)

        return call

    def post() -> int:
        return door.post("/v1/files", files={"file": ("a.txt", b"x")}, headers=KEY).status_code

    monkeypatch.setattr(idempotency, "answer", unless_away(answer))
    monkeypatch.setattr(idempotency, "release", unless_away(release))
    assert [post(), post()] == [503, 409]
    away.clear()
    until(lambda: post() == 201, 60, lambda: "the key is free")
