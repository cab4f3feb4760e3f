"""Signed links: one file, or one job with its files, for whoever has the link, for a while."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from bureau.ledger.access.keys import Role
from bureau.ledger.files.artifacts import Removal, mark_removed
from bureau.services.gateway.app import create_app
from bureau.services.gateway.settings import GatewaySettings
from bureau.signing.signed_links import Link, Linked, LinkSigner
from tests.integration.gateway.conftest import Door
from tests.integration.gateway.keyed import Keyed, keyed_gateway
from tests.support.ledger.book import add_upload, stored

SECRET = "s3cret" * 6
PUBLIC = "https://bureau.example.com"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Keyed]:
    settings = GatewaySettings(public_url=PUBLIC, link_secret=SECRET)
    with keyed_gateway(tmp_path, settings) as keyed:
        keyed.key()  # so that keys are asked for
        yield keyed


def link(gateway: Keyed, path: str, **body: Any) -> httpx.Response:
    return gateway.ask("POST", f"{path}/links", "ada", Role.SUBMIT, json=body)


def follow(gateway: Keyed, url: str, **request: Any) -> httpx.Response:
    """Without a key, as whoever got the link by mail."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" == PUBLIC
    return gateway.door.client.get(f"{parts.path}?{parts.query}", **request)


def signed(kind: Linked, thing: UUID | str, expires_in: int = 60, secret: str = SECRET) -> str:
    """By who has the secret, whoever owns the thing."""
    signer = LinkSigner(lambda: secret, lambda *_: "/")
    path = signer.sign(Link(kind, UUID(str(thing)), int(time.time()) + expires_in), "anybody")
    return path.removeprefix("/?token=")


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def with_result(gateway: Keyed) -> tuple[str, dict[str, Any]]:
    """A job of ada's and the file it made."""
    job_id = gateway.job()
    file = stored("ada", job_id=UUID(job_id), task_name="send", name="the result.csv")
    gateway.door.storage.put(file.key, [b"abc"])
    add_upload(gateway.door.db, file)
    return job_id, {"id": str(file.id), "url": f"/v1/artifacts/{file.id}/the%20result.csv"}


def test_a_file_is_read_by_its_link_with_ranges_and_without_a_key(gateway: Keyed) -> None:
    file = gateway.file(contents=b"0123456789")
    made = link(gateway, f"/v1/artifacts/{file['id']}", expires_in_seconds=600)
    assert made.status_code == 201
    url = made.json()["url"]
    assert url == made.headers["Location"]
    assert url.startswith(f"{PUBLIC}{file['url']}?token=")
    left = datetime.fromisoformat(made.json()["expires_at"]).timestamp() - time.time()
    assert left == pytest.approx(600, abs=10)
    assert follow(gateway, url).content == b"0123456789"
    part = follow(gateway, url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert gateway.door.client.get(file["url"]).status_code == 401
    assert gateway.door.client.head(urlsplit(url).path, params={"token": url.split("token=")[1]}).status_code == 200


def test_a_browser_gets_the_page_of_the_job_by_its_link(gateway: Keyed) -> None:
    job_id, file = with_result(gateway)
    url = link(gateway, f"/v1/jobs/{job_id}").json()["url"]
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    sent_on = follow(gateway, url, headers=browser)
    token = urlsplit(url).query
    assert (sent_on.status_code, sent_on.headers["Location"]) == (303, f"/jobs/{job_id}?{token}")
    page = gateway.door.client.get(sent_on.headers["Location"], headers=browser)
    assert page.status_code == 200
    assert f'href="{file["url"]}?{token}"' in page.text
    assert f'data-stream="/v1/jobs/{job_id}/events?{token}"' in page.text
    linked = {address for address in re.findall(r'(?:href|action)="([^"]+)"', page.text) if "token=" not in address}
    assert not [address for address in linked if address.startswith(("/jobs", "/tasks", "/v1", "?"))]  # they need a key
    other = gateway.job()
    assert gateway.door.client.get(f"/jobs/{other}?{token}", headers=browser).status_code == 403
    expired = signed(Linked.JOB, job_id, -5)
    for path in (f"/jobs/{job_id}", f"/v1/jobs/{job_id}"):
        assert gateway.door.client.get(f"{path}?token={expired}", headers=browser).status_code == 410


def test_a_job_is_read_by_its_link_with_its_tasks_and_files(gateway: Keyed) -> None:
    job_id, file = with_result(gateway)
    url = link(gateway, f"/v1/jobs/{job_id}").json()["url"]
    job = follow(gateway, url).json()
    assert job["id"] == job_id
    (shown,) = job["artifacts"]
    assert shown["url"].startswith(f"{file['url']}?token=")
    assert gateway.door.client.get(shown["url"]).content == b"abc"
    token = url.partition("?")[2]
    tasks = gateway.door.client.get(f"/v1/jobs/{job_id}/tasks?limit=1&{token}")
    assert [task["name"] for task in tasks.json()["items"]] == ["send"]


def test_a_link_opens_nothing_else(gateway: Keyed) -> None:
    job_id, file = with_result(gateway)
    other_job, other_file = with_result(gateway)
    loose = gateway.file()
    of_job, of_file = signed(Linked.JOB, job_id), signed(Linked.ARTIFACT, file["id"])
    get = gateway.door.client.get
    assert slug(get(f"/v1/jobs/{other_job}?token={of_job}")) == (403, "link-invalid")
    assert slug(get(f"{other_file['url']}?token={of_job}")) == (404, "not-found")
    assert slug(get(f"{loose['url']}?token={of_job}")) == (404, "not-found")
    assert slug(get(f"{other_file['url']}?token={of_file}")) == (403, "link-invalid")
    assert slug(get(f"/v1/jobs/{job_id}?token={of_file}")) == (403, "link-invalid")
    assert slug(get(f"/v1/jobs/{job_id}?token={signed(Linked.ARTIFACT, job_id)}")) == (403, "link-invalid")
    for path in ("/v1/jobs", "/v1/tasks", "/v1/catalog/tasks", "/"):
        assert get(f"{path}?token={of_job}").status_code == 401


def test_a_link_only_reads(gateway: Keyed) -> None:
    job_id, _ = with_result(gateway)
    token = signed(Linked.JOB, job_id)
    for act in ("cancel", "retry", "links"):
        answer = gateway.door.client.post(f"/v1/jobs/{job_id}/{act}?token={token}", json={})
        assert slug(answer) == (401, "key-missing")


def test_an_expired_link_is_gone(gateway: Keyed) -> None:
    job_id, _ = with_result(gateway)
    answer = gateway.door.client.get(f"/v1/jobs/{job_id}?token={signed(Linked.JOB, job_id, expires_in=-1)}")
    assert slug(answer) == (410, "link-expired")


@pytest.mark.parametrize("token", ["", "x", "a.b", "é", "%00", "x" * 5000])
def test_a_token_of_nobody_is_refused(gateway: Keyed, token: str) -> None:
    job_id, _ = with_result(gateway)
    assert slug(gateway.door.client.get(f"/v1/jobs/{job_id}?token={token}")) == (403, "link-invalid")


def test_a_token_signed_elsewhere_is_refused(gateway: Keyed) -> None:
    job_id, _ = with_result(gateway)
    token = signed(Linked.JOB, job_id, secret="y" * 36)
    assert slug(gateway.door.client.get(f"/v1/jobs/{job_id}?token={token}")) == (403, "link-invalid")


def test_a_link_to_a_deleted_resource_is_a_404(gateway: Keyed) -> None:
    job_id, file = with_result(gateway)
    with gateway.door.db.transaction() as connection:
        mark_removed(connection, [Removal(UUID(job_id), "ada", [UUID(file["id"])])])
    get = gateway.door.client.get
    assert slug(get(f"{file['url']}?token={signed(Linked.ARTIFACT, file['id'])}")) == (404, "not-found")
    nothing = uuid4()
    assert slug(get(f"/v1/jobs/{nothing}?token={signed(Linked.JOB, nothing)}")) == (404, "not-found")
    assert slug(get(f"/v1/artifacts/{nothing}/x?token={signed(Linked.ARTIFACT, nothing)}")) == (404, "not-found")


@pytest.mark.parametrize("seconds", [0, -1, 31 * 86_400 + 1, "soon"])
def test_a_link_lives_a_second_to_a_month(gateway: Keyed, seconds: object) -> None:
    job_id, _ = with_result(gateway)
    answer = link(gateway, f"/v1/jobs/{job_id}", expires_in_seconds=seconds)
    assert slug(answer) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"] == "#/expires_in_seconds"


def test_the_same_request_gets_the_same_link(gateway: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    file = gateway.file()
    asked: dict[str, Any] = {"json": {"expires_in_seconds": 60}, "headers": {"Idempotency-Key": "once"}}
    first = gateway.ask("POST", f"/v1/artifacts/{file['id']}/links", **asked)
    later = time.time() + 30
    monkeypatch.setattr(time, "time", lambda: later)
    again = gateway.ask("POST", f"/v1/artifacts/{file['id']}/links", **asked)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_without_a_setting_the_ledger_keeps_a_secret_for_all_gateways(door: Door) -> None:
    job_id = door.post("/v1/emails", {"to": ["a@example.com"], "subject": "Hello", "text": "x"}).json()["id"]
    url = door.post(f"/v1/jobs/{job_id}/links", {}).json()["url"]
    assert url.startswith("http://127.0.0.1:8600/v1/jobs/")
    second = create_app(GatewaySettings(), door.db, door.storage, door.relay)
    path = urlsplit(url).path + "?" + urlsplit(url).query
    assert second.test_client().get(path, base_url="http://localhost").status_code == 200


def test_a_link_has_a_rate_limit_of_its_own(tmp_path: Path) -> None:
    settings = GatewaySettings(public_url=PUBLIC, link_secret=SECRET, rate_limit_per_minute=5)
    with keyed_gateway(tmp_path, settings) as keyed:
        keyed.key()
        job_id = keyed.job()
        url = f"{PUBLIC}/v1/jobs/{job_id}?token={signed(Linked.JOB, job_id)}"
        answers = [follow(keyed, url) for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert keyed.ask("GET", f"/v1/jobs/{job_id}").status_code == 200  # the key's own bucket is another
