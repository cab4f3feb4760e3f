"""Bureau under a path of somebody's domain, behind a proxy that strips it: every address leads back through it."""

import email
import email.policy
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bureau.client import Bureau
from bureau.services.gateway.api_keys import api_key
from tests.support.running.embedded import EmbeddedBureau
from tests.support.servers.proxies.path_proxy import PathProxy, path_proxy
from tests.support.walk import BROWSER, walk

ROOT = "/office/paperwork"
ROSTER = b"recipient,email,course\nAda Lovelace,ada@example.com,Patience\n"
MAIL = {"to": ["ada@example.com"], "subject": "Daily", "text": "It is a day."}
DAILY = {"every_seconds": 86_400, "job": {"tasks": [{"name": "mail", "run": "mailer.send", "input": MAIL}]}}
BOUNDED = {"REPORT_ATTACH_BYTES": "1", "REPORT_ZIP_BYTES": "1"}  # every report is mailed as a link


@dataclass
class Published:
    """A Bureau in one process and the proxy before it."""

    bureau: EmbeddedBureau
    proxy: PathProxy
    key: str

    def client(self) -> Bureau:
        return Bureau(self.proxy.url, self.key)

    def browser(self) -> httpx.Client:
        return httpx.Client(timeout=60, headers=BROWSER)

    def mails(self) -> list[str]:
        """Their texts, decoded."""
        parsed = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in self.bureau.outbox.glob("*.eml")
        ]
        bodies = [mail.get_body(("plain",)) for mail in parsed]
        return [body.get_content() for body in bodies if body]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder: Path = tmp_path_factory.mktemp("published")
    key = api_key.make().text()
    (folder / "keys").write_text(f"ada operate {key}\n")
    with path_proxy(ROOT) as proxy:
        env = {"PUBLIC_URL": f"{proxy.url}/", "KEYS_FILE": str(folder / "keys"), **BOUNDED}
        with EmbeddedBureau(folder / "bureau", env=env) as bureau:
            proxy.upstream = ("127.0.0.1", bureau.port)
            bureau.start()
            yield Published(bureau, proxy, key)


def test_a_person_logs_in_and_follows_every_link(published: Published) -> None:
    with published.client() as client:
        done = client.certificates(("roster.csv", ROSTER), email_to="ada@example.com").wait(60)
        client.report("top-customers", limit=3, email_to="ada@example.com").wait(60)
        broken = client.certificates(("roster.csv", b"recipient,course\nAda,Patience\n"), deliver="recipients")
        broken.wait(60, check=False)
        client.connection.send("PUT", "/v1/schedules/daily", DAILY)
    url = published.proxy.url
    with published.browser() as browser:
        asked = browser.get(f"{url}/jobs?kind=certificates")
        assert asked.status_code == 303
        login = asked.headers["Location"]
        assert login.startswith(f"{ROOT}/login?next=")
        form = browser.get(str(asked.next_request.url if asked.next_request else ""))
        assert f'action="{ROOT}/login"' in form.text
        following = re.search(r'name="next" value="([^"]*)"', form.text)
        assert following is not None
        answer = browser.post(f"{url}/login", data={"key": published.key, "next": following[1]})
        assert answer.headers["Location"] == f"{ROOT}/jobs?kind=certificates"
        assert f"Path={ROOT}" in answer.headers["Set-Cookie"]

        found = walk(browser, f"{url}/")
        assert set(found.seen.values()) <= {200, 204, 206, 303}, found.seen
        assert not found.outside
        paths = {address.removeprefix(url).partition("?")[0] for address in found.seen}
        assert {"/", "/jobs", "/tasks", "/workers", "/schedules", "/reports", "/audit", "/static/bureau.js"} <= paths
        assert {f"/jobs/{done.id}", f"/jobs/{broken.id}", "/openapi.json", "/readyz", "/keys"} <= paths
        assert any(path.startswith("/v1/artifacts/") for path in paths), "a file of a job"
        assert any(path.endswith("/events") for path in paths), "the events of a page"
        assert {f"{url}/theme", f"{url}/logout"} <= found.forms
        for address in found.forms:
            assert browser.request("OPTIONS", address).status_code == 405, f"{address} is a form's"

        themed = browser.post(f"{url}/theme", data={"theme": "dark", "next": f"{ROOT}/reports"})
        assert (themed.headers["Location"], themed.status_code) == (f"{ROOT}/reports", 303)
        assert f"Path={ROOT}" in themed.headers["Set-Cookie"]
        assert 'data-theme="dark"' in browser.get(f"{url}/jobs").text
        lost = browser.get(f"{url}/nowhere")
        assert (lost.status_code, f'href="{ROOT}/problems/not-found"' in lost.text) == (404, True)
        out = browser.post(f"{url}/logout")
        assert out.headers["Location"] == f"{ROOT}/login?done=logged-out"
        assert browser.get(f"{url}/jobs").status_code == 303
    assert published.proxy.strays == []


def test_an_application_finds_everything_under_the_path(published: Published) -> None:
    url = published.proxy.url
    headers = {"Authorization": f"Bearer {published.key}"}
    with httpx.Client(headers=headers, timeout=60) as client:
        accepted = client.post(f"{url}/v1/certificates", files={"files": ("roster.csv", ROSTER)})
        location = accepted.headers["Location"]
        assert location == f"{ROOT}/v1/jobs/{accepted.json()['id']}"
        here = httpx.URL(url).join(location)
        job = client.get(here, headers={"Prefer": "wait=30"}).json()
        (archive,) = job["artifacts"]
        assert archive["url"].startswith(f"{ROOT}/v1/artifacts/")
        assert client.get(here.join(archive["url"])).status_code == 200
        with client.stream("GET", f"{here}/events") as events:
            assert events.headers["Content-Type"].startswith("text/event-stream")
            assert "job.finished" in events.read().decode()
        stored = client.post(f"{url}/v1/files", files={"file": ("a.txt", b"x")})
        assert stored.headers["Location"] == stored.json()["url"] == f"{ROOT}/v1/artifacts/{stored.json()['id']}/a.txt"
        link = client.post(f"{url}/v1/artifacts/{archive['id']}/links", json={}).json()["url"]
        assert link.startswith(f"{url}/v1/artifacts/")
        assert httpx.get(link).status_code == 200, "without a key"
        refused = client.post(f"{url}/v1/emails", json={})
        assert refused.json()["type"] == f"{ROOT}/problems/invalid"
        assert client.get(here.join(refused.json()["type"])).status_code == 200
        assert client.get(f"{url}/openapi.json").json()["servers"] == [{"url": ROOT}]
        direct = f"{published.bureau.api.url}{ROOT}/v1/jobs/{job['id']}"
        assert client.get(direct).json()["id"] == job["id"], "as a proxy asks that does not strip the path"
    assert published.proxy.strays == []


def test_the_client_downloads_through_the_proxy_and_past_it(published: Published) -> None:
    with published.client() as client:
        job = client.certificates(("roster.csv", ROSTER)).wait(60)
        with zipfile.ZipFile(io.BytesIO(job.artifacts[0].read())) as members:
            (person,) = json.loads(members.read("manifest.json"))["certificates"]
        assert httpx.get(job.link()).status_code == 200
    with Bureau(published.bureau.api.url, published.key) as inside:
        assert inside.get(job.id).artifacts[0].read()
    assert person["link"].startswith(f"{published.proxy.url}/c/")
    page = httpx.get(person["link"], headers=BROWSER)
    assert (page.status_code, f'href="{ROOT}/static/certificate.css"' in page.text) == (200, True)


def test_links_in_mails_lead_through_the_proxy(published: Published) -> None:
    with published.client() as client:
        client.report("top-customers", limit=4, email_to="grace@example.com").wait(60)
    links = [link for text in published.mails() for link in re.findall(r"https?://\S+/v1/artifacts/\S+", text)]
    assert links
    for link in links:
        assert link.startswith(f"{published.proxy.url}/")
        assert httpx.get(link).status_code == 200
