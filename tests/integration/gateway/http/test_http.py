"""What holds for every route: problems, headers, content types, health."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from bureau.contracts.errors import TransientError
from bureau.ledger.db.database import LedgerUnavailable
from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import Door, make_door, pointers

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
JSON = {"Content-Type": "application/json"}


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, body["type"].removeprefix("/problems/")


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/v1/jobs", "/v1/jobs?x=y", "/openapi.json"])
def test_every_answer_has_a_request_id_and_careful_headers(door: Door, path: str) -> None:
    first, second = door.get(path), door.get(path)
    assert len(first.headers["Request-Id"]) == 32
    assert first.headers["Request-Id"] != second.headers["Request-Id"]
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in first.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/jobs", {"GET", "HEAD", "POST"}),
        ("PUT", "/v1/certificates", {"POST"}),
        ("GET", "/v1/emails", {"POST"}),
        ("OPTIONS", "/v1/jobs", {"GET", "HEAD", "POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("POST", "/", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_a_405_that_says_which_there_are(
    door: Door, method: str, path: str, allowed: set[str]
) -> None:
    answer = door.client.request(method, path)
    assert problem(answer) == (405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("path", "kind", "taken"),
    [
        ("/v1/jobs", "text/plain", "application/json"),
        ("/v1/jobs", "multipart/form-data; boundary=x", "application/json"),
        ("/v1/jobs", "application/x-www-form-urlencoded", "application/json"),
        ("/v1/jobs", "", "application/json"),
        ("/v1/certificates", "application/json", "multipart/form-data"),
        ("/v1/emails", "text/html", "application/json or multipart/form-data"),
    ],
)
def test_another_content_type_is_a_415_that_says_which_are_taken(door: Door, path: str, kind: str, taken: str) -> None:
    answer = door.post(path, content=b"{}", headers={"Content-Type": kind})
    assert problem(answer) == (415, "unsupported-media-type")
    assert f"send {taken}." in answer.json()["detail"]


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 10_000 + b"]" * 10_000])
def test_an_unreadable_body_is_a_400(door: Door, raw: bytes) -> None:
    assert problem(door.post("/v1/jobs", content=raw, headers=JSON)) == (400, "unreadable")


def test_an_unknown_parameter_is_refused_by_name_on_every_route(door: Door) -> None:
    for path in ("/v1/jobs", "/v1/workers", "/v1/catalog/tasks", "/healthz", "/readyz", "/openapi.json"):
        answer = door.get(f"{path}?colour=red")
        assert (answer.status_code, pointers(answer)) == (422, ["colour"])
    answer = door.post("/v1/emails?colour=red", MAIL)
    assert (answer.status_code, pointers(answer)) == (422, ["colour"])


@pytest.fixture
def narrow(tmp_path: Path) -> Any:
    """Takes little: 2,000 bytes a body, 500 of JSON, 300 a file, 2 files."""
    settings = GatewaySettings(max_body_bytes=2000, max_json_bytes=500, max_file_bytes=300, max_files=2)
    opened = make_door(tmp_path, settings)
    opened.announce("mailer")
    yield opened
    opened.client.close()
    opened.db.close()


def test_limits_are_refused_by_name_and_value(narrow: Door) -> None:
    def certificates(*files: bytes) -> httpx.Response:
        return narrow.post("/v1/certificates", files=[("files", ("a.csv", contents)) for contents in files])

    body, file, json = certificates(b"x" * 3000), certificates(b"x" * 301), narrow.post("/v1/emails", {"x": "y" * 500})
    assert [problem(answer) for answer in (body, file, json)] == [(413, "too-large")] * 3
    assert "MAX_BODY_BYTES allows 2000" in body.json()["detail"]
    assert "MAX_FILE_BYTES allows 300" in file.json()["detail"]
    assert "MAX_JSON_BYTES allows 500" in json.json()["detail"]
    many = certificates(b"x", b"x", b"x")
    assert (problem(many), "MAX_FILES allows 2" in many.json()["detail"]) == ((422, "invalid"), True)
    assert certificates(b"x" * 300, b"y").status_code == 202


def test_a_body_of_unknown_length_is_limited_too(narrow: Door) -> None:
    def endless() -> Any:
        yield b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 100

    headers = {"Content-Type": "multipart/form-data; boundary=cut", "Transfer-Encoding": "chunked"}
    environ = {"wsgi.input_terminated": True, "wsgi.input": _Stream(endless())}
    answer = narrow.app.test_client().post("/v1/certificates", headers=headers, environ_overrides=environ)
    assert (answer.status_code, answer.get_json()["type"]) == (413, "/problems/too-large")


class _Stream:
    """A body that is made while it is read."""

    def __init__(self, chunks: Any) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def test_requests_from_other_pages_and_for_other_names_are_refused(door: Door) -> None:
    assert problem(door.post("/v1/emails", MAIL, headers={"Origin": "http://evil.example"})) == (
        403,
        "origin-not-allowed",
    )
    assert problem(door.post("/v1/emails", MAIL, headers={"Host": "evil.example"})) == (403, "host-not-allowed")
    assert problem(door.get("/v1/jobs", Host="evil.example")) == (403, "host-not-allowed")
    assert door.get("/v1/jobs").json()["items"] == []
    assert door.post("/v1/emails", MAIL, headers={"Origin": "http://localhost:8600"}).status_code == 202


def test_each_problem_type_has_a_page_that_explains_it(door: Door) -> None:
    answer = door.get(door.get("/nowhere").json()["type"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Not found" in answer.text
    assert door.get("/problems/nothing").status_code == 404


def test_the_inside_of_an_error_of_ours_stays_inside(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret: hunter2")

    monkeypatch.setattr("bureau.ledger.reads.job_queries.jobs_of", broken)
    answer = door.get("/v1/jobs")
    assert problem(answer) == (500, "internal-error")
    assert "hunter2" not in answer.text


def away(*_: Any, **__: Any) -> Any:
    raise LedgerUnavailable("OperationalError")


def test_with_the_ledger_away_it_is_said_when_to_come_again(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door.db, "read", away)
    monkeypatch.setattr(door.db, "transaction", away)
    answers = [
        door.get("/v1/jobs"),
        door.post("/v1/emails", MAIL),
        door.post("/v1/emails", MAIL, headers={"Idempotency-Key": "one"}),
        door.post("/v1/certificates", files=[("files", ("a.csv", b"x"))]),
    ]
    assert [problem(answer) for answer in answers] == [(503, "ledger-unavailable")] * 4
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    page = door.get("/")
    assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert door.get("/healthz").status_code == 200


def test_files_stay_when_it_is_unknown_whether_the_job_was_kept(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bureau.services.gateway.job_builders.accept.insert_job", away)
    assert door.post("/v1/certificates", files=[("files", ("a.csv", b"x"))]).status_code == 503
    assert len(door.stored()) == 1


def test_with_the_storage_away_uploads_come_again_later(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: Any, **__: Any) -> Any:
        raise TransientError("storage_unavailable", "The file storage cannot be reached.")

    monkeypatch.setattr(door.storage, "put", unavailable)
    answer = door.post("/v1/certificates", files=[("files", ("a.csv", b"x"))])
    assert problem(answer) == (503, "storage-unavailable")
    assert door.post("/v1/emails", MAIL).status_code == 202
    ready = door.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert ready.json()["checks"]["storage"]["status"] == "failing"
    assert ready.json()["storage_used_percent"] is None


def test_a_broker_outage_keeps_submissions_open(door: Door) -> None:
    door.relay.healthy, door.relay.last_error = False, "ConnectionRefused: amqp://u:hunter2@host"
    ready = door.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"]["broker"]["status"] == "failing"
    assert "hunter2" not in ready.text
    assert door.post("/v1/emails", MAIL).status_code == 202


@pytest.mark.parametrize(
    ("share", "percent", "warned"), [(0.8949, 89, False), (0.895, 90, True), (1.0, 100, True), (None, None, False)]
)
def test_ready_says_how_full_the_storage_is_and_warns_in_words(
    door: Door, monkeypatch: pytest.MonkeyPatch, share: float | None, percent: int | None, warned: bool
) -> None:
    monkeypatch.setattr(door.storage, "used_share", lambda: share)
    ready = door.get("/readyz").json()
    assert (ready["status"], ready["storage_used_percent"]) == ("ready", percent)
    assert ready["checks"]["storage"]["status"] == "ok"
    assert (f"{percent} % full" in (ready["checks"]["storage"]["detail"] or "")) is warned
    assert ("Storage: its file system is" in door.get("/", accept="text/html").text) is warned


def test_ready_names_what_is_checked(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    assert door.get("/readyz").json()["status"] == "ready"
    monkeypatch.setattr(door.db, "ping", away)
    ready = door.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["ledger"]["status"]) == (503, "failing")
    assert int(ready.headers["Retry-After"]) > 0


def test_the_catalog_lists_what_services_announced(door: Door) -> None:
    tasks = door.get("/v1/catalog/tasks").json()["items"]
    assert [task["name"] for task in tasks] == [
        "certificates.issue",
        "certificates.tell",
        "mailer.send",
        "reports.generate",
        "shop.picture",
        "shop.suma",
    ]
    assert (tasks[-1]["workers"], tasks[-1]["queue"], tasks[-1]["time_limit_seconds"]) == (1, "shop", 600)
    assert tasks[-1]["input_schema"]["required"] == ["a", "b"]
    page = door.get("/v1/catalog/tasks?limit=3").json()
    rest = door.get(f"/v1/catalog/tasks?cursor={page['next_cursor']}").json()
    assert [task["name"] for task in rest["items"]] == ["reports.generate", "shop.picture", "shop.suma"]
    assert [report["name"] for report in door.get("/v1/catalog/reports").json()["items"]] == ["sales"]
    assert [one["name"] for one in door.get("/v1/catalog/templates").json()["items"]] == ["ready", "welcome"]


def test_workers_are_listed(door: Door) -> None:
    workers = door.get("/v1/workers").json()["items"]
    assert [worker["service"] for worker in workers] == ["certificates", "mailer", "reports", "shop"]
    assert all(worker["live"] and worker["threads"] == 8 for worker in workers)
