"""Logging in with a browser: a cookie instead of a key, and what it does not open."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bureau.ledger.access import keys
from bureau.ledger.access.audit import Act
from bureau.ledger.access.keys import Role
from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.auth.sessions import COOKIE
from tests.integration.gateway.keyed import Keyed, keyed_gateway

PEOPLE = {"Accept": "text/html"}
OURS = {"Origin": "http://localhost:8600"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Keyed]:
    with keyed_gateway(tmp_path) as keyed:
        yield keyed


def log_in(gateway: Keyed, key: ApiKey, following: str = "/jobs") -> httpx.Response:
    form = {"key": key.text(), "next": following}
    return gateway.door.client.post("/login", data=form, headers={**PEOPLE, **OURS})


def test_a_browser_without_a_key_is_sent_to_the_login_and_back(gateway: Keyed) -> None:
    client = gateway.door.client
    key = gateway.key()
    asked = client.get("/jobs?state=failed", headers=PEOPLE)
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login?next=%2Fjobs%3Fstate%3Dfailed")
    assert 'value="/jobs?state=failed"' in client.get(asked.headers["Location"], headers=PEOPLE).text
    assert log_in(gateway, key, "/jobs?state=failed").headers["Location"] == "/jobs?state=failed"
    assert client.get("/jobs", headers=PEOPLE).status_code == 200
    assert client.get("/v1/jobs").status_code == 200  # the page's script reads with it too


def test_the_cookie_is_for_this_site_only_and_holds_no_key(gateway: Keyed) -> None:
    key = gateway.key()
    cookie = log_in(gateway, key).headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"):
        assert attribute in cookie
    assert key.secret not in cookie
    assert key.sha256 not in cookie


def test_a_key_that_opens_nothing_is_refused_in_words(gateway: Keyed) -> None:
    key = gateway.key()
    answer = log_in(gateway, ApiKey(key.id, "x" * 43))
    assert answer.status_code == 422
    assert "This key is not valid here." in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_cookie_that_was_changed_opens_nothing(gateway: Keyed) -> None:
    log_in(gateway, gateway.key())
    client = gateway.door.client
    value = client.cookies[COOKIE]
    client.cookies.clear()
    client.cookies.set(COOKIE, value[:-2] + ("AA" if value[-2:] != "AA" else "BB"))
    assert client.get("/jobs", headers=PEOPLE).status_code == 303


def test_a_session_ends_with_its_key(gateway: Keyed) -> None:
    key = gateway.key()
    log_in(gateway, key)
    assert gateway.door.client.get("/jobs").status_code == 200
    keys.revoke(gateway.door.db, key.id, Act("key.revoke", "ada", "command"))
    assert gateway.door.client.get("/jobs", headers=PEOPLE).headers["Location"].startswith("/login")


def test_a_change_by_cookie_needs_the_page_s_own_origin(gateway: Keyed) -> None:
    job_id = gateway.job()
    log_in(gateway, gateway.key())
    client = gateway.door.client
    for headers in ({}, {"Origin": "null"}, {"Origin": "https://evil.example"}):
        for path in (f"/jobs/{job_id}/cancel", f"/v1/jobs/{job_id}/cancel"):
            answer = client.post(path, headers=headers)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/origin-not-allowed")
    assert client.post(f"/jobs/{job_id}/cancel", headers=OURS).status_code == 303


def test_a_role_hides_what_it_refuses(gateway: Keyed) -> None:
    job_id = gateway.job()
    log_in(gateway, gateway.key(role=Role.VIEW))
    client = gateway.door.client
    shown = client.get(f"/jobs/{job_id}", headers=PEOPLE).text
    assert "Cancel the job" not in shown
    overview = client.get("/", headers=PEOPLE).text
    assert "/workers" not in overview
    assert "Purge" not in overview
    refused = client.post(f"/jobs/{job_id}/cancel", headers={**PEOPLE, **OURS})
    assert refused.status_code == 403
    assert "The key&#39;s role is too low" in refused.text


def test_basic_authentication_goes_on_working(gateway: Keyed) -> None:
    key = gateway.key()
    assert gateway.door.client.get("/jobs", headers=PEOPLE, auth=("any", key.text())).status_code == 200


def test_logging_out_forgets_the_cookie(gateway: Keyed) -> None:
    log_in(gateway, gateway.key())
    client = gateway.door.client
    assert client.post("/logout", headers=OURS).headers["Location"] == "/login?done=logged-out"
    assert client.get("/jobs", headers=PEOPLE).status_code == 303


def test_a_copied_cookie_opens_nothing_after_the_logout(gateway: Keyed) -> None:
    """The session ends in the ledger, and only that one: another login with the same key goes on."""
    key = gateway.key()
    log_in(gateway, key)
    client = gateway.door.client
    copied = client.cookies[COOKIE]
    client.cookies.clear()
    log_in(gateway, key)
    other = client.cookies[COOKIE]
    assert other != copied
    client.cookies.clear()
    for _ in range(2):  # logging out again changes nothing
        client.post("/logout", headers={**OURS, "Cookie": f"{COOKIE}={copied}"})
    client.cookies.clear()
    assert client.get("/jobs", headers={**PEOPLE, "Cookie": f"{COOKIE}={copied}"}).status_code == 303
    assert client.get("/jobs", headers={**PEOPLE, "Cookie": f"{COOKIE}={other}"}).status_code == 200
