"""Every route, every role, every owner: the table is made from the routes the application has."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from bureau.ledger.access.certificates import note_issued
from bureau.ledger.access.keys import Role
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.outcome import Failed
from bureau.ledger.jobs.retry_policy import error_of
from bureau.services.gateway.app import create_app, operations
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Operation
from bureau.services.gateway.settings import GatewaySettings
from bureau.signing.certificate_tokens import Claims, Signer
from bureau.storage import Storage
from bureau.submission.announcements import Announcements
from tests.integration.gateway.conftest import CountingRelay
from tests.integration.gateway.keyed import Keyed, keyed_gateway
from tests.support.ledger.book import Book, add_upload, stored

OPEN_TO_EVERYBODY = {
    "healthz",
    "readyz",
    "openapi",
    "page-problem",
    "page-static",
    "page-login",
    "page-certificate",
}
# Who posts these with nothing in them is sent on, asked for a key again, or told that no events are taken.
OPEN_FORMS = {"take-sendgrid-events": 404, "page-log-in": 422, "page-log-out": 303, "page-theme": 303}
SIGNING_KEY, SERIAL = "A" * 43, "7K3M-Q2ZD-AAAA-BBBB"
CLAIMS = Claims(SERIAL, "Ada Lovelace", "Engines", "2026-10-30", "Academy", "en")
# What is of an owner is named in the path by these; the other names are the whole gateway's, or their owner's own.
OF_AN_OWNER = {"job_id", "artifact_id"}


def declared() -> list[Operation[Any, Any]]:
    database = Database("sqlite:///never-opened.db")
    storage = Storage.from_url("file://never")
    return operations(Gateway(GatewaySettings(), database, storage, CountingRelay(), Announcements(database)))


ALL = {operation.name: operation for operation in declared()}
CLOSED = {name: operation for name, operation in ALL.items() if operation.role is not None}
OWNED = {name: operation for name, operation in CLOSED.items() if OF_AN_OWNER & set(operation.path_parameters)}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    settings = GatewaySettings(
        rate_limit_per_minute=0,
        max_stream_seconds=0.1,
        certificates_public_keys=SecretStr(Signer(SIGNING_KEY).public_key),
    )
    with keyed_gateway(tmp_path_factory.mktemp("roles"), settings) as keyed:
        yield keyed


@pytest.fixture(scope="module")
def things(gateway: Keyed) -> dict[str, str]:
    """Of ada: a job and a file that it made, by the names they have in paths."""
    job_id = gateway.job()
    file = stored("ada", job_id=UUID(job_id), task_name="send", name="result")
    add_upload(gateway.door.db, file)
    gateway.door.storage.put(file.key, [b"abc"])
    note_issued(gateway.door.db, "ada", UUID(job_id), [SERIAL])
    paths = {"job_id": job_id, "artifact_id": str(file.id), "name": "result", "slug": "invalid"}
    return {**paths, "serial": SERIAL, "token": Signer(SIGNING_KEY).token(CLAIMS)}


def address(operation: Operation[Any, Any], things: dict[str, str]) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: things[found[1]], operation.path)


def ask(gateway: Keyed, operation: Operation[Any, Any], things: dict[str, str], **key: Any) -> httpx.Response:
    """With a body that fits where an empty object does: enough to pass the gate or not."""
    request: dict[str, Any] = {"json": {}} if operation.takes_body else {}
    path = address(operation, things)
    if not key:
        return gateway.door.client.request(operation.method, path, **request)
    return gateway.ask(operation.method, path, **key, **request)


def test_every_route_of_the_application_is_in_the_table() -> None:
    app = create_app(
        GatewaySettings(), Database("sqlite:///never-opened.db"), Storage.from_url("file://never"), CountingRelay()
    )
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ALL)


def test_only_these_routes_are_open_to_everybody() -> None:
    assert ALL.keys() - CLOSED.keys() == OPEN_TO_EVERYBODY | OPEN_FORMS.keys()


@pytest.mark.parametrize("name", sorted(OPEN_TO_EVERYBODY | OPEN_FORMS.keys()))
def test_an_open_route_asks_for_no_key(gateway: Keyed, things: dict[str, str], name: str) -> None:
    things = {**things, "name": "bureau.css"}
    assert ask(gateway, ALL[name], things).status_code == OPEN_FORMS.get(name, 200)


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_every_other_route_does(gateway: Keyed, things: dict[str, str], name: str) -> None:
    answer = ask(gateway, CLOSED[name], things)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/key-missing")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer " if CLOSED[name].api else "Basic ")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", sorted(CLOSED))
def test_a_role_opens_what_it_includes_and_nothing_else(
    gateway: Keyed, things: dict[str, str], name: str, role: Role
) -> None:
    operation = CLOSED[name]
    answer = ask(gateway, operation, things, owner="passer-by", role=role)  # so that nothing is done on the way
    if role.includes(operation.role or Role.VIEW):
        assert answer.status_code not in (401, 403), answer.text
    else:
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/role-too-low")
        assert f"with the role {operation.role} or higher; this one has {role}" in answer.json()["detail"]


@pytest.mark.parametrize("name", sorted(OWNED))
def test_resources_of_another_owner_are_not_found(gateway: Keyed, things: dict[str, str], name: str) -> None:
    answer = ask(gateway, OWNED[name], things, owner="bob", role=Role.OPERATE)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("name", sorted(name for name, operation in OWNED.items() if operation.method == "GET"))
def test_resources_of_the_same_owner_are_found(gateway: Keyed, things: dict[str, str], name: str) -> None:
    assert ask(gateway, OWNED[name], things, owner="ada", role=Role.VIEW).status_code == 200


def test_lists_hold_ones_own(gateway: Keyed, things: dict[str, str]) -> None:
    theirs = gateway.job("bob")
    for role in Role:
        jobs = gateway.ask("GET", "/v1/jobs?limit=200", "ada", role).json()["items"]
        tasks = gateway.ask("GET", "/v1/tasks?limit=200", "ada", role).json()["items"]
        assert things["job_id"] in {job["id"] for job in jobs}
        assert theirs not in {job["id"] for job in jobs} | {task["job_id"] for task in tasks}
        page = gateway.ask("GET", "/jobs", "ada", role).text
        assert things["job_id"] in page
        assert theirs not in page


def test_nobody_acts_on_many_jobs_of_another_owner(gateway: Keyed) -> None:
    job_id = gateway.job("carol")
    answer = gateway.ask("POST", "/v1/jobs/cancel", "bob", json={"filter": {}, "dry_run": True})
    assert job_id not in answer.text
    gateway.ask("POST", "/v1/jobs/cancel", "dora", json={"filter": {}})
    assert gateway.ask("GET", f"/v1/jobs/{job_id}", "carol").json()["cancel_requested_at"] is None


def test_a_file_of_another_owner_cannot_be_attached(gateway: Keyed) -> None:
    file = gateway.file("ada")
    body = {"to": ["a@example.com"], "subject": "x", "text": "y", "attachments": [{"artifact": file["id"]}]}
    refused = gateway.ask("POST", "/v1/emails", "bob", Role.SUBMIT, json=body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_artifact")
    assert gateway.ask("POST", "/v1/emails", "ada", Role.SUBMIT, json=body).status_code == 202


def test_an_idempotency_key_belongs_to_its_owner(gateway: Keyed) -> None:
    first = gateway.mail("ada", headers={"Idempotency-Key": "one"})
    again = gateway.mail("ada", headers={"Idempotency-Key": "one"})
    other = gateway.mail("bob", headers={"Idempotency-Key": "one"})
    assert first.json()["id"] == again.json()["id"] != other.json()["id"]
    assert "Idempotent-Replayed" not in other.headers


def test_a_submitter_may_cancel_and_retry_their_own_job(gateway: Keyed) -> None:
    job_id = gateway.job("erin")
    for act in ("cancel", "retry"):
        assert gateway.ask("POST", f"/v1/jobs/{job_id}/{act}", "erin", Role.VIEW).status_code == 403
        assert gateway.ask("POST", f"/v1/jobs/{job_id}/{act}", "erin", Role.SUBMIT).status_code == 200


def test_a_schedule_of_another_owner_is_not_there(gateway: Keyed) -> None:
    job = {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}]}
    made = gateway.ask("PUT", "/v1/schedules/nightly", json={"every_seconds": 3600, "job": job})
    assert made.status_code == 201, made.text
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/run")):
        request: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {}}
        assert gateway.ask(method, f"/v1/schedules/nightly{path}", "bob", **request).status_code == 404
    assert gateway.ask("GET", "/v1/schedules", "bob").json()["items"] == []
    assert gateway.ask("PUT", "/v1/schedules/nightly", "bob", json={"every_seconds": 60, "job": job}).status_code == 201
    assert gateway.ask("GET", "/v1/schedules/nightly").json()["every_seconds"] == 3600  # ada's own, as it was


@pytest.mark.parametrize("role", Role)
def test_only_who_operates_sees_where_a_task_failed(gateway: Keyed, role: Role) -> None:
    """A traceback names files of the worker: not everybody who may read a job runs Bureau."""
    book = Book(gateway.door.db)
    job_id = book.submit(owner="ada")
    error = error_of("unexpected_error", "shop.work raised ValueError: no", retryable=True)
    book.run(job_id, ending=Failed(error, traceback="Traceback: in a/file/of/the/worker.py"))
    read = [f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/tasks", f"/jobs/{job_id}"]
    shown = [gateway.ask("GET", path, role=role).text for path in read]
    assert ["a/file/of/the/worker.py" in text for text in shown] == [role is Role.OPERATE] * 3
    assert "shop.work raised ValueError: no" in shown[0]
