"""Keys at the gateway's door: shown, refused, revoked, expired, from a file; and a gateway without any."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from bureau.ledger.access import keys
from bureau.ledger.access.audit import Act
from bureau.ledger.access.keys import Role
from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import keys as key_table
from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import Door
from tests.integration.gateway.keyed import Keyed, keyed_gateway

REVOKE = Act("key.revoke", "ada", "command")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Keyed]:
    with keyed_gateway(tmp_path) as keyed:
        yield keyed


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["type"].removeprefix("/problems/"), answer.headers["WWW-Authenticate"]


def test_without_keys_whoever_is_on_this_machine_may_everything(gateway: Keyed) -> None:
    client = gateway.door.client
    for path in ("/v1/jobs", "/v1/workers", "/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
    shown = client.get("/v1/jobs", headers={"Authorization": "Bearer left-over"})
    assert shown.status_code == 200  # nobody here asks for it


@pytest.mark.parametrize("peer", ["192.168.1.7", "::ffff:192.168.1.7", "fe80::1", "not an address"])
def test_without_keys_other_machines_are_refused_however_they_got_here(gateway: Keyed, peer: str) -> None:
    client = gateway.door.app.test_client()
    environ = {"REMOTE_ADDR": peer}
    answer = client.get("/v1/jobs", base_url="http://localhost", environ_overrides=environ)
    assert (answer.status_code, answer.get_json()["type"]) == (401, "/problems/key-missing")
    assert "bureau.services.gateway.keys make" in answer.get_json()["detail"]
    health = client.get("/healthz", base_url="http://10.0.0.5:8600", environ_overrides=environ)
    assert health.status_code == 200  # whoever keeps the machine asks by whatever name


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", ""])
def test_this_machine_and_socket_files_are_answered(gateway: Keyed, peer: str) -> None:
    client = gateway.door.app.test_client()
    answer = client.get("/v1/jobs", base_url="http://localhost", environ_overrides={"REMOTE_ADDR": peer})
    assert answer.status_code == 200


def test_once_there_is_a_key_every_request_needs_one(gateway: Keyed) -> None:
    client = gateway.door.client
    assert client.get("/v1/jobs").status_code == 200
    key = gateway.key()
    assert refused(client.get("/v1/jobs")) == (401, "key-missing", 'Bearer realm="Bureau"')
    assert gateway.with_key(key, "GET", "/v1/jobs").status_code == 200


@pytest.mark.parametrize("header", ["Bearer x", "Basic eDp5", "Bearer bureau_zzzz_" + "S" * 43, "Digest a=b"])
def test_a_text_that_is_not_a_key_is_refused(gateway: Keyed, header: str) -> None:
    gateway.key()
    answer = gateway.door.client.get("/v1/jobs", headers={"Authorization": header})
    assert refused(answer) == (401, "key-invalid", 'Bearer realm="Bureau", error="invalid_token"')


def test_a_key_with_another_secret_is_refused_as_if_it_were_unknown(gateway: Keyed) -> None:
    key = gateway.key()
    wrong = gateway.with_key(ApiKey(key.id, "S" * 43), "GET", "/v1/jobs")
    unknown = gateway.with_key(ApiKey("zzzz", "S" * 43), "GET", "/v1/jobs")
    assert wrong.json() == unknown.json()
    assert refused(wrong)[:2] == (401, "key-invalid")


def test_a_revoked_key_opens_nothing_from_the_next_request_on(gateway: Keyed) -> None:
    key = gateway.key()
    assert gateway.with_key(key, "GET", "/v1/jobs").status_code == 200
    keys.revoke(gateway.door.db, key.id, REVOKE)
    answer = gateway.with_key(key, "GET", "/v1/jobs")
    assert refused(answer)[:2] == (401, "key-invalid")
    assert "was revoked" in answer.json()["detail"]
    assert gateway.door.client.get("/v1/jobs").status_code == 401  # the last key is gone, the door stays closed


def test_an_expired_key_opens_nothing(gateway: Keyed) -> None:
    key = gateway.key(expires_in_seconds=3600)
    assert gateway.with_key(key, "GET", "/v1/jobs").status_code == 200
    with gateway.door.db.transaction() as connection:
        connection.execute(update(key_table).values(expires_at=later(-1)))
    answer = gateway.with_key(key, "GET", "/v1/jobs")
    assert refused(answer)[:2] == (401, "key-invalid")
    assert "has expired" in answer.json()["detail"]


def test_a_browser_is_asked_and_shows_the_key_as_password(gateway: Keyed) -> None:
    key = gateway.key("ada", Role.VIEW)
    client = gateway.door.client
    basic = 'Basic realm="Bureau", charset="UTF-8"'
    assert refused(client.get("/")) == (401, "key-missing", basic)
    assert refused(client.get("/", auth=("ada", "nonsense"))) == (401, "key-invalid", basic)
    page = client.get("/", auth=("whoever", key.text()))
    assert page.status_code == 200
    assert "Authorization: Bearer $BUREAU_KEY" in page.text
    assert key.secret not in page.text


def test_a_page_elsewhere_cannot_use_the_key_a_browser_remembers(gateway: Keyed) -> None:
    key = gateway.key()
    body = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
    origin = {"Origin": "http://evil.example"}
    answer = gateway.door.client.post("/v1/emails", json=body, headers=origin, auth=("ada", key.text()))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/origin-not-allowed")


def test_use_is_written_with_the_first_request_of_a_minute(gateway: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    key = gateway.key()
    written: list[str] = []
    note_use = keys.note_use

    def counted(db: Any, key_id: str) -> None:
        written.append(key_id)
        note_use(db, key_id)

    monkeypatch.setattr(keys, "note_use", counted)
    for _ in range(3):
        gateway.with_key(key, "GET", "/v1/jobs")
    assert written == [key.id]
    kept = keys.find(gateway.door.db, key.id)
    assert kept is not None
    assert kept.used_at is not None


def test_with_the_ledger_away_nobody_is_let_in_unseen(gateway: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise LedgerUnavailable("OperationalError")

    key = gateway.key()
    monkeypatch.setattr(gateway.door.db, "read", away)
    monkeypatch.setattr(gateway.door.db, "transaction", away)
    for answer in (gateway.door.client.get("/v1/jobs"), gateway.with_key(key, "GET", "/v1/jobs")):
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/ledger-unavailable")
    page = gateway.with_key(key, "GET", "/")
    assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")


def test_another_host_is_refused_unless_it_is_allowed(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(allowed_hosts="gateway, 10.0.0.5")) as keyed:
        for host, status in (("gateway:8600", 200), ("10.0.0.5", 200), ("localhost", 200), ("evil.example", 403)):
            assert keyed.ask("GET", "/v1/jobs", headers={"Host": host}).status_code == status


# -- from a file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def from_file(tmp_path: Path) -> Iterator[tuple[Keyed, Path, ApiKey]]:
    """A gateway with KEYS_FILE, the file, and the key of `shop` in it."""
    file, key = tmp_path / "keys", api_key.make()
    file.write_text(f"shop submit {key.text()}  # the shop\n")
    with keyed_gateway(tmp_path, GatewaySettings(keys_file=file)) as keyed:
        yield keyed, file, key


def test_a_key_from_a_file_opens_as_one_of_the_ledger_does(from_file: tuple[Keyed, Path, ApiKey]) -> None:
    keyed, _, key = from_file
    assert keyed.door.client.get("/v1/jobs").status_code == 401
    answer = keyed.with_key(key, "GET", "/v1/jobs")
    assert answer.status_code == 200
    assert answer.headers["RateLimit"].startswith('"requests";r=1199')
    assert keyed.with_key(key, "GET", "/v1/workers").status_code == 403
    assert keyed.mail("ada").status_code == 202  # a key of the ledger, beside it


def test_keys_come_and_go_with_the_file(from_file: tuple[Keyed, Path, ApiKey]) -> None:
    keyed, file, key = from_file
    new = api_key.make()
    replacement = file.with_name("new")
    replacement.write_text(f"shop operate {new.text()}\n")
    os.replace(replacement, file)
    assert keyed.with_key(new, "GET", "/v1/workers").status_code == 200
    assert keyed.with_key(key, "GET", "/v1/jobs").status_code == 401
    file.unlink()
    assert keyed.with_key(new, "GET", "/v1/jobs").status_code == 200  # as it was read last
    assert keyed.door.client.get("/v1/jobs").status_code == 401


# -- never told ----------------------------------------------------------------------------------------------------


def test_no_answer_tells_a_key(gateway: Keyed, capfd: pytest.CaptureFixture[str]) -> None:
    key, wrong = gateway.key("ada", Role.VIEW), ApiKey("zzzz", "W" * 43)
    answers = [
        gateway.with_key(shown, method, path)
        for shown in (key, wrong)
        for method, path in (("GET", "/v1/jobs"), ("GET", "/"), ("POST", "/v1/emails"), ("GET", "/v1/nowhere"))
    ]
    answers.append(gateway.door.client.get("/v1/jobs", params={"key": key.text()}))
    told = "".join(f"{answer.text}{dict(answer.headers)}" for answer in answers) + "".join(capfd.readouterr())
    for secret in (key.secret, wrong.secret, key.sha256):
        assert secret not in told


def test_an_error_of_ours_tells_no_key_either(
    gateway: Keyed, door: Door, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    key = gateway.key()

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr("bureau.ledger.reads.job_queries.jobs_of", broken)
    answer = gateway.with_key(key, "GET", "/v1/jobs")
    assert answer.status_code == 500
    assert key.secret not in answer.text + "".join(capfd.readouterr())


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_browser_without_a_key_is_asked_for_it_and_shown_a_page(gateway: Keyed) -> None:
    gateway.key()
    answer = gateway.door.client.get("/v1/jobs", headers={"Accept": BROWSER})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>A key is required</h1>" in answer.text
    assert 'href="/problems/key-missing"' in answer.text
    assert "<key>" not in answer.text  # the detail's angle brackets are text, not a tag


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.5"])
def test_a_program_without_a_key_gets_json(gateway: Keyed, accept: str | None) -> None:
    gateway.key()
    headers = {"Accept": accept} if accept else {}
    answer = gateway.door.client.get("/v1/jobs", headers=headers)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert refused(answer)[:2] == (401, "key-missing")


@pytest.mark.parametrize(
    "header",
    [{"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "10.0.0.9"}, {"Forwarded": "for=x"}, {"X-Real-IP": "::1"}],
)
def test_without_keys_nobody_behind_a_proxy_is_taken_for_this_machine(gateway: Keyed, header: dict[str, str]) -> None:
    mail = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
    assert gateway.door.post("/v1/emails", mail).status_code == 202  # so that the gateway expects to see no keys
    for answer in (
        gateway.door.client.get("/v1/jobs", headers=header),
        gateway.door.post("/v1/emails", mail, headers=header),
    ):
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/key-missing")
    assert gateway.door.client.get("/healthz", headers=header).status_code == 200
