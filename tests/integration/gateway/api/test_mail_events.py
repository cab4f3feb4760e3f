"""Events over HTTP: signed ones are taken, others are not; the suppression list is its owner's."""

import time
from collections.abc import Iterator
from urllib.parse import quote
from uuid import UUID

import pytest

from bureau.ledger.access.keys import Role
from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import Door
from tests.integration.gateway.keyed import Keyed, keyed_gateway
from tests.support.ledger.book import Book
from tests.support.sendgrid_events import SigningKey, event

KEY = SigningKey()
PATH = "/v1/mail/events/sendgrid"
LIST = "/v1/mail/suppressions"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    settings = GatewaySettings(sendgrid_events_key=KEY.shown)
    with keyed_gateway(tmp_path_factory.mktemp("mail-events"), settings) as keyed:
        yield keyed


def test_a_signed_batch_is_taken_without_a_key_and_suppresses_for_the_jobs_owner(gateway: Keyed) -> None:
    job_id = gateway.mail("ada").json()["id"]
    task = str(Book(gateway.door.db).tasks(UUID(job_id))[0].id)
    bounce = event(task, event="bounce", type="bounce", reason="550 no", email="Gone@Example.com")
    for _ in range(2):
        answer = gateway.door.client.post(PATH, **KEY.request(bounce, event(task, event="open")))
        assert answer.status_code == 204, answer.text
    listed = gateway.ask("GET", LIST, "ada", Role.VIEW).json()["items"]
    assert [(one["address"], one["reason"], one["detail"]) for one in listed] == [
        ("gone@example.com", "hard_bounce", "550 no")
    ]
    assert gateway.ask("GET", LIST, "bob", Role.OPERATE).json()["items"] == []


def test_events_without_a_fresh_signature_of_the_key_are_refused(gateway: Keyed) -> None:
    told = event("x")
    for request in (
        SigningKey().request(told),
        KEY.request(told, at=time.time() - 601),
        {**KEY.request(told), "content": b"[]"},
        {"content": b"[]", "headers": {"Content-Type": "application/json"}},
    ):
        answer = gateway.door.client.post(PATH, **request)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/signature-invalid")


def test_without_a_verification_key_no_events_are_taken(door: Door) -> None:
    answer = door.client.post(PATH, **KEY.request(event("x")))
    assert answer.status_code == 404
    assert "SENDGRID_EVENTS_KEY" in answer.json()["detail"]


def test_an_address_is_put_on_the_list_and_taken_off(gateway: Keyed) -> None:
    added = gateway.ask(
        "POST", LIST, "carol", Role.OPERATE, json={"address": "Eve <EVE@example.com>", "detail": "left"}
    )
    assert added.status_code == 201, added.text
    assert (added.json()["address"], added.json()["reason"], added.json()["detail"]) == (
        "eve@example.com",
        "manual",
        "left",
    )
    assert gateway.ask("POST", LIST, "carol", Role.OPERATE, json={"address": "eve@"}).status_code == 422
    found = gateway.ask("GET", f"{LIST}?address=eve@example.com", "carol", Role.VIEW).json()["items"]
    assert len(found) == 1
    gone = f"{LIST}?address=Eve@example.com"
    assert gateway.ask("DELETE", gone, "bob", Role.OPERATE).status_code == 404  # another owner's is not there
    assert gateway.ask("DELETE", gone, "carol", Role.OPERATE).status_code == 204
    assert gateway.ask("DELETE", gone, "carol", Role.OPERATE).status_code == 404
    acts = {(act, target) for act, target in gateway.audited("act", "target")}
    assert {("suppression.add", "eve@example.com"), ("suppression.remove", "eve@example.com")} <= acts


def test_an_address_in_another_script_is_found_however_it_is_written(gateway: Keyed) -> None:
    added = gateway.ask("POST", LIST, "carol", Role.OPERATE, json={"address": "JOSÉ@Bücher.example"})
    assert added.json()["address"] == "josé@xn--bcher-kva.example"
    for written in ("José@bücher.example", "jose\u0301@XN--BCHER-KVA.example"):
        found = gateway.ask("GET", f"{LIST}?address={quote(written)}", "carol", Role.VIEW).json()["items"]
        assert [one["address"] for one in found] == ["josé@xn--bcher-kva.example"]
    gone = f"{LIST}?address={quote('JOSÉ@bücher.example')}"
    assert gateway.ask("DELETE", gone, "carol", Role.OPERATE).status_code == 204


def test_the_list_is_paged(gateway: Keyed) -> None:
    for name in "abc":
        gateway.ask("POST", LIST, "dora", Role.OPERATE, json={"address": f"{name}@example.com"})
    first = gateway.ask("GET", f"{LIST}?limit=2", "dora", Role.VIEW).json()
    second = gateway.ask("GET", f"{LIST}?limit=2&cursor={first['next_cursor']}", "dora", Role.VIEW).json()
    assert [one["address"][0] for one in first["items"] + second["items"]] == ["a", "b", "c"]
    assert second["next_cursor"] is None
