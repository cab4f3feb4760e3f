"""A submission is admitted by its own transaction: what is true of its key then decides, and comes before all else."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bureau.ledger.access import idempotency, keys
from bureau.ledger.access.audit import Act
from bureau.ledger.access.idempotency import Reservation, Scope
from bureau.ledger.access.keys import Role
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.services.gateway.http.parsing.json_body import fingerprint
from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import Door
from tests.integration.gateway.keyed import Keyed, keyed_gateway

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
ACT = Act("key.revoke", "ada", "command")


def slug(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


def jobs(keyed: Keyed, key: Any) -> int:
    return len(keyed.with_key(key, "GET", "/v1/jobs").json()["items"])


@pytest.mark.parametrize("body", [MAIL, {"subject": "nobody to send it to"}, {"nonsense": True}])
def test_a_key_revoked_since_it_was_read_is_refused_whatever_the_body_says(tmp_path: Path, body: Any) -> None:
    with keyed_gateway(tmp_path) as keyed:
        key, other = keyed.key(), keyed.key()
        assert keyed.with_key(key, "POST", "/v1/emails", json=MAIL).status_code == 202
        keys.revoke(keyed.door.db, key.id, ACT)
        answer = keyed.with_key(key, "POST", "/v1/emails", json=body)
        assert (answer.status_code, slug(answer)) == (401, "key-invalid")
        assert jobs(keyed, other) == 1


def test_a_key_with_another_secret_is_refused_although_its_id_was_read(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path) as keyed:
        key, other = keyed.key(), keyed.key()
        assert keyed.with_key(key, "POST", "/v1/emails", json=MAIL).status_code == 202
        forged = type(key)(key.id, other.secret)
        assert keyed.with_key(forged, "POST", "/v1/emails", json=MAIL).status_code == 401


def test_a_role_that_is_too_low_is_refused(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path) as keyed:
        key = keyed.key(role=Role.VIEW)
        for _ in range(2):
            assert keyed.with_key(key, "POST", "/v1/emails", json=MAIL).status_code == 403
        assert jobs(keyed, key) == 0


def test_a_first_key_ends_the_time_without_keys_at_once(door: Door) -> None:
    for _ in range(2):
        assert door.post("/v1/emails", MAIL).status_code == 202
    Keyed(door).key()
    answer = door.post("/v1/emails", MAIL)
    assert (answer.status_code, slug(answer)) == (401, "key-missing")


def test_a_rate_limit_holds_for_submissions_to_the_unit(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(rate_limit_per_minute=5)) as keyed:
        key = keyed.key()
        answers = [keyed.with_key(key, "POST", "/v1/emails", json=MAIL) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [202] * 5 + [429] * 2
        assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == [
            *("r=4", "r=3", "r=2", "r=1", "r=0"),
            *("r=0", "r=0"),
        ]
        assert answers[0].headers["RateLimit-Policy"] == '"requests";q=5;w=60'


def test_an_invalid_request_counts_against_the_rate_limit(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(rate_limit_per_minute=3)) as keyed:
        key = keyed.key()
        statuses = [
            keyed.with_key(key, "POST", "/v1/emails", json=body).status_code for body in (MAIL, {}, MAIL, {}, MAIL)
        ]
        assert statuses == [202, 422, 202, 429, 429]


def test_many_at_once_take_no_more_units_than_there_are(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(rate_limit_per_minute=6)) as keyed:
        key = keyed.key()
        assert keyed.with_key(key, "POST", "/v1/emails", json=MAIL).status_code == 202
        statuses: list[int] = []
        start = threading.Barrier(8)

        def post() -> None:
            start.wait()
            statuses.append(keyed.with_key(key, "POST", "/v1/emails", json=MAIL).status_code)

        threads = [threading.Thread(target=post) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(statuses) == [202] * 5 + [429] * 3


def away(*_: Any, **__: Any) -> None:
    raise LedgerUnavailable("gone")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/emails", MAIL),
        ("/v1/jobs", {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}]}),
        ("/v1/jobs/batch", {"jobs": [{"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}]}]}),
        ("/v1/reports", {"report": "sales"}),
    ],
)
def test_an_idempotency_key_is_free_again_when_the_ledger_went_away(
    door: Door, monkeypatch: pytest.MonkeyPatch, path: str, body: Any
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("bureau.services.gateway.submitter.submit_batch", away)
        patched.setattr("bureau.services.gateway.api.jobs.batch.insert_job", away)
        assert door.post(path, body, headers={"Idempotency-Key": "one"}).status_code == 503
    first = door.post(path, body, headers={"Idempotency-Key": "one"})
    again = door.post(path, body, headers={"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def old_answer(db: Database, scope: Scope, mark: str) -> None:
    held = idempotency.reserve(db, scope, mark)
    assert isinstance(held, Reservation)
    with db.transaction() as connection:
        idempotency.answer(connection, held, idempotency.Answer(202, "/v1/jobs/none"))
        connection.exec_driver_sql("UPDATE idempotency SET created_at = '2020-01-01 00:00:00.000000'")


@pytest.mark.parametrize("path", ["/v1/emails", "/v1/jobs/batch"])
def test_an_answer_that_has_expired_gives_way_to_a_new_job(door: Door, path: str) -> None:
    spec = {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}]}
    body: dict[str, Any] = {"jobs": [spec]} if path.endswith("batch") else MAIL
    old_answer(door.db, Scope("local", "POST", path, "one"), fingerprint(body))
    answer = door.post(path, body, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 202
    assert "Idempotent-Replayed" not in answer.headers
    assert len(door.get("/v1/jobs").json()["items"]) == 1


def test_the_answer_says_what_is_read_afterwards(door: Door) -> None:
    spec = {
        "title": "Both",
        "tags": ["x"],
        "tasks": [
            {"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}},
            {"name": "then", "run": "shop.suma", "input": {"a": 1, "b": {"$result": "/add"}}, "after": ["add"]},
        ],
    }
    for more in ({}, {"delay_seconds": 3600}, {"run_at": "2100-01-01T00:00:00Z"}, {"run_at": "2001-01-01T00:00:00Z"}):
        accepted = door.post("/v1/jobs", {**spec, **more}).json()
        read = door.get(f"/v1/jobs/{accepted['id']}").json()
        told, kept = accepted.pop("waiting"), read.pop("waiting")
        assert accepted == read
        assert told["reason"] == kept["reason"]


def test_the_hint_goes_out_with_the_answer(door: Door) -> None:
    answer = door.post("/v1/emails", MAIL).json()
    assert len(door.relay.published) == 1
    assert answer["tasks"][0]["hinted_at"] == answer["created_at"]
    assert answer["waiting"] == {"reason": "behind", "position": 1, "starts_in_seconds": None}


@pytest.mark.parametrize(
    "unready",
    [
        lambda door: setattr(door.relay, "healthy", False),
        lambda door: door.post("/v1/queues/mailer/pause"),
    ],
)
def test_no_hint_is_stamped_while_no_hint_can_be_published(door: Door, unready: Callable[[Door], object]) -> None:
    unready(door)
    answer = door.post("/v1/emails", MAIL).json()
    assert (answer["tasks"][0]["hinted_at"], door.relay.published) == (None, [])
    assert door.relay.woken >= 1
