"""Every shipped task, with the id of another owner's file in every place of its input: nothing of the file comes out.

Each place is filled in two ways: as it is, which the gateway can see, and by the result of a task of the client's own,
which only the worker sees.
"""

import base64
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bureau.services.gateway.api_keys import api_key
from tests.support.running.embedded import EmbeddedBureau
from tests.support.waiting import until

SECRET = b"region,salary\r\nnorth,s4l4ry-0f-th3-b0ss\r\n"
NAME = "salaries.csv"
REF = {"artifact": "", "name": "own.csv"}
REPORT: dict[str, Any] = {"report": "monthly-sales", "params": {"region": "north"}, "format": {"null_text": "NULL"}}
GENERATED: dict[str, Any] = {
    "artifact": REF,
    "report": "monthly-sales",
    "title": "Sales",
    "rows": 3,
    "bytes": 10**12,
    "sha256": "ab" * 32,
    "columns": ["region"],
    "snapshot_at": "2025-11-20T10:00:00Z",
    "duration_seconds": 1.0,
    "params": {"region": "north"},
}
FILLED = {key: GENERATED[key] for key in ("title", "report", "rows", "bytes", "sha256", "snapshot_at", "params")}
MAIL = {"to": ["eve@example.com"], "attachments": [REF]}
# An input of every shipped task with each of its fields, so that every place is filled once.
INPUTS: dict[str, list[dict[str, Any]]] = {
    "certificates.issue": [{"files": [REF], "deliver": "recipients", "subject": "Yours"}],
    "certificates.tell": [{"title": "Certificates", "to": ["eve@example.com"], "language": "es"}],
    "reports.generate": [REPORT],
    "reports.burst": [{**REPORT, "params": {}, "parameter": "region", "values": ["north"]}],
    "reports.preview": [REPORT],
    "reports.deliver": [
        {"generated": GENERATED, "to": ["eve@example.com"], "subject": "It", "title": "It", "empty": "send"},
        {"generated": {**GENERATED, "rows": 0}, "to": ["eve@example.com"], "empty": "note"},
    ],
    "reports.tell": [{"report": "monthly-sales", "title": "Sales", "to": ["eve@example.com"]}],
    "mailer.send": [
        {**MAIL, "subject": "It", "text": REF, "html": REF, "inline": {"logo": REF}},
        {**MAIL, "subject": "It", "text": "plain", "html": "<p>rich</p>", "categories": ["a"], "reply_to": "e@x.com"},
        {
            **MAIL,
            "template": "report-ready",
            "context": {**FILLED, "duration_seconds": 1.0, "link": "https://example.com"},
            "language": "fr",
        },
        {
            **MAIL,
            "template": "report-ready",
            "context": {**FILLED, "duration_seconds": 1.0},
            "links": {"link": REF},
            "link_seconds": 60,
        },
    ],
    "mailer.preview": [{"template": "welcome", "context": {"name": "Eve"}, "language": "fr"}],
}


@dataclass
class Tenants:
    """A Bureau that asks for keys, and the headers of each owner."""

    bureau: EmbeddedBureau
    keys: dict[str, dict[str, str]]

    @property
    def url(self) -> str:
        return self.bureau.api.url

    def mails(self) -> list[Path]:
        return list(self.bureau.outbox.rglob("*.eml"))


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    folder = tmp_path_factory.mktemp("foreign")
    keys = {owner: api_key.make() for owner in ("ada", "eve")}
    lines = [f"{owner} operate {key.text()}\n" for owner, key in keys.items()]
    (folder / "keys").write_text("".join(lines))
    (folder / "keys").chmod(0o600)
    env = {"KEYS_FILE": "keys", "TASKS": "tests.acceptance.one_process.foreign_tasks", "RATE_LIMIT_PER_MINUTE": "0"}
    with EmbeddedBureau(folder, env=env) as bureau:
        bureau.start()
        yield Tenants(bureau, {owner: {"Authorization": f"Bearer {key.text()}"} for owner, key in keys.items()})


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Of every value inside, containers included."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def with_value(value: Any, path: tuple[str | int, ...], put: Any) -> Any:
    changed = copy.deepcopy(value)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = put
    return changed


def joined(mail: bytes) -> bytes:
    """A mail's lines as they were before they were folded (RFC 2045, section 6.7)."""
    return mail.replace(b"=\r\n", b"").replace(b"=\n", b"").replace(b"=3D", b"=")


def own(value: Any, file: str) -> Any:
    """The input with a file of the client's own wherever one is named."""
    if value == REF:
        return {**REF, "artifact": file}
    if isinstance(value, dict):
        return {name: own(item, file) for name, item in value.items()}
    return [own(item, file) for item in value] if isinstance(value, list) else value


class Eve:
    """A client with a key of her own, who knows the id and the name of ada's file."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants
        self.client = httpx.Client(base_url=tenants.url, headers=tenants.keys["eve"], timeout=60)
        self.foreign = self._upload(tenants.keys["ada"])
        self.mine = self._upload(tenants.keys["eve"], b"mine")
        self.jobs: list[str] = []

    def _upload(self, key: dict[str, str], data: bytes = SECRET) -> str:
        answer = self.client.post("/v1/files", files={"file": (NAME, data)}, headers=key)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def submit(self, run: str, data: dict[str, Any], told: str | None = None, *, whole: bool = False) -> httpx.Response:
        task = {"name": "it", "run": run, "input": data, "retry": {"max_attempts": 1}}
        tasks = [task]
        if told is not None:
            task["after"] = ["told"]
            tasks.insert(0, {"name": "told", "run": "eve.echo", "input": {"value": told, "whole": whole}})
        answer = self.client.post("/v1/jobs", json={"tasks": tasks, "time_limit_seconds": 30})
        if answer.status_code == 202:
            self.jobs.append(answer.json()["id"])
        return answer

    def everything_told(self) -> Iterator[str | bytes]:
        """All that she reads, once her jobs have ended: jobs, events, files, mails."""
        for job in self.jobs:
            shown = self.ended(job)
            yield shown.text
            yield self.client.get(f"/v1/jobs/{job}/events", headers={"Accept": "application/json"}).text
            for artifact in shown.json()["artifacts"]:
                yield self.client.get(artifact["url"]).content
        for mail in self.tenants.mails():
            yield mail.read_bytes()

    def ended(self, job: str) -> httpx.Response:
        """The job as it is shown once it has ended."""
        shown = self.client.get(f"/v1/jobs/{job}")

        def has_ended() -> bool:
            nonlocal shown
            shown = self.client.get(f"/v1/jobs/{job}")
            return shown.json()["finished_at"] is not None

        until(has_ended, 120, f"the end of {job}")
        return shown


def test_no_shipped_task_hands_out_another_owners_file(tenants: Tenants) -> None:
    eve = Eve(tenants)
    listed = eve.client.get("/v1/catalog/tasks", params={"limit": 200}).json()["items"]
    assert {task["name"] for task in listed} - {"eve.echo"} == INPUTS.keys()
    refused = 0
    for run, inputs in INPUTS.items():
        for given in inputs:
            honest = own(given, eve.mine)
            for path in places(honest):
                for put in (eve.foreign, {"artifact": eve.foreign, "name": NAME}):
                    answer = eve.submit(run, with_value(honest, path, put))
                    if isinstance(put, dict):
                        assert answer.status_code == 422, (run, path)
                        refused += 1
                for whole in (True, False):
                    eve.submit(run, with_value(honest, path, {"$result": "/told"}), eve.foreign, whole=whole)
    assert refused > 100
    assert len(eve.jobs) > 200
    for told in eve.everything_told():
        if isinstance(told, str):
            assert "token=" not in told  # no input, no result, no event shows one
        else:
            assert b"s4l4ry" not in told
            assert eve.foreign.encode() not in b"".join(re.findall(rb"http\S+token=\S+", joined(told)))
            assert base64.b64encode(SECRET)[:-4] not in told.replace(b"\n", b"")


def test_an_expired_link_is_not_revived_by_another_owner(tenants: Tenants) -> None:
    """What the address of an old link says is enough to name the file, and not enough to get it."""
    eve = Eve(tenants)
    made = eve.client.post(
        f"/v1/artifacts/{eve.foreign}/links", json={"expires_in_seconds": 1}, headers=tenants.keys["ada"]
    )
    url = urlsplit(made.json()["url"])
    until(lambda: httpx.get(f"{tenants.url}{url.path}?{url.query}").status_code == 410, 10, "the link's end")
    assert eve.client.post(f"/v1/artifacts/{eve.foreign}/links", json={}).status_code == 404
    mail = {**MAIL, "attachments": [], "template": "report-ready", "links": {"link": {"$result": "/told"}}}
    mail["context"] = {**FILLED, "duration_seconds": 1.0}
    answer = eve.submit("mailer.send", mail, eve.foreign, whole=True)
    assert answer.status_code == 202, answer.text
    assert eve.ended(eve.jobs[-1]).json()["error"]["code"] == "artifact_not_found"


def test_the_owners_own_link_arrives_and_no_token_is_shown(tenants: Tenants) -> None:
    """The same input with a file of her own, so that the refusals above are for whose file it is."""
    eve = Eve(tenants)
    for path in tenants.mails():
        path.unlink()
    given = own({**GENERATED, "bytes": 1}, eve.mine)
    assert eve.submit("mailer.send", own(INPUTS["mailer.send"][3], eve.mine)).status_code == 202
    assert eve.submit("reports.deliver", {"generated": given, "to": ["eve@example.com"]}).status_code == 202
    for job in eve.jobs:
        shown = eve.ended(job)
        assert shown.json()["state"] == "succeeded", shown.text
        assert "token" not in shown.text
    mails = [joined(path.read_bytes()) for path in tenants.mails()]
    assert sum(b"token=" in mail for mail in mails) == 1
