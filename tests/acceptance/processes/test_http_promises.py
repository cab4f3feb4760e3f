"""What the HTTP API promises around a job: once, in time, stopped when asked, files in parts, what there is."""

import hashlib
import time
from typing import Any
from uuid import uuid4

import httpx

from tests.support.running.api import Api, problem_of, told
from tests.support.servers.postgres import connect
from tests.support.together import together
from tests.support.waiting import until

SUMA = {"name": "add", "run": "shop.suma", "input": {"a": 20, "b": 22}}
SLEEPING = """
  SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'bureau reports'
    AND state = 'active' AND query ILIKE 'copy%'
"""
ROSTER = b"recipient,course\nAda Lovelace,Engines\n"


def test_prefer_wait_answers_with_the_ended_job(api: Api) -> None:
    answer = api.client.post("/v1/jobs", json={"tasks": [SUMA]}, headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=20")
    assert answer.json()["tasks"][0]["result"] == 42
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"


def test_prefer_wait_answers_with_the_open_job_when_time_is_up(api: Api) -> None:
    began = time.monotonic()
    later = api.client.post("/v1/jobs", json={"tasks": [SUMA], "delay_seconds": 3600}, headers={"Prefer": "wait=1"})
    assert 1.0 <= time.monotonic() - began < 10
    assert (later.status_code, later.headers["Preference-Applied"]) == (202, "wait=1")
    job = later.json()
    assert (job["state"], job["waiting"]["reason"]) == ("scheduled", "not_due")
    read = api.client.get(f"/v1/jobs/{job['id']}", headers={"Prefer": "wait=1"})
    assert (read.status_code, read.json()["state"]) == (200, "scheduled")
    assert api.client.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"


def test_twins_with_one_key_make_one_job(api: Api) -> None:
    key, tag = {"Idempotency-Key": f"twin-{uuid4()}"}, uuid4().hex
    body = {"tasks": [SUMA], "tags": [tag]}

    answers = together(12, lambda _: api.client.post("/v1/jobs", json=body, headers=key))

    accepted = [answer for answer in answers if answer.status_code == 202]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(accepted) + len(busy) == 12
    assert [answer.headers.get("Idempotent-Replayed") for answer in accepted].count(None) == 1
    for answer in busy:
        assert problem_of(answer, 409)["type"] == "/problems/idempotency-key-busy"
        assert answer.headers["Retry-After"] == "1"
    replayed = api.client.post("/v1/jobs", json=body, headers=key)
    assert (replayed.status_code, replayed.headers["Idempotent-Replayed"]) == (202, "true")
    assert {answer.json()["id"] for answer in [*accepted, replayed]} == {jobs_tagged(api, tag)}
    api.succeeded(replayed.json())


def test_the_same_files_are_the_same_request_whatever_the_boundary(api: Api) -> None:
    key, tag = {"Idempotency-Key": f"files-{uuid4()}"}, uuid4().hex

    def post(boundary: str, roster: bytes) -> httpx.Response:
        headers = {**key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        files = {"files": ("a.csv", roster, "text/csv")}
        return api.client.post("/v1/certificates", files=files, data={"tags": [tag]}, headers=headers)

    first, again = post("one", ROSTER), post("another", ROSTER)
    assert first.json()["id"] == again.json()["id"] == jobs_tagged(api, tag)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = problem_of(post("one", ROSTER + b"Grace Hopper,Compilers\n"), 422)
    assert other["type"] == "/problems/idempotency-key-reused"
    api.succeeded(first.json())


def test_a_running_report_is_cancelled_on_its_database_too(api: Api, orders_url: str) -> None:
    job = api.submit("/v1/reports", json={"report": "slow-orders", "email_to": ["nobody@example.com"]})
    with connect(orders_url) as connection:

        def sleeping() -> bool:
            return connection.execute(SLEEPING).fetchone() is not None

        until(sleeping, 20, "the query runs")
        assert api.job(job["id"])["state"] == "running"
        asked = api.client.post(f"/v1/jobs/{job['id']}/cancel")
        assert asked.status_code == 200
        assert asked.json()["cancel_requested_at"]
        ended = api.ended(job, 10)
        until(lambda: not sleeping(), 5, "the query has ended")
    assert ended["state"] == "cancelled"
    assert [task["state"] for task in ended["tasks"]] == ["cancelled", "cancelled"]
    assert ended["artifacts"] == []
    assert api.client.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200


def test_an_ended_job_is_not_cancelled(api: Api) -> None:
    job = api.succeeded(api.run(SUMA))
    problem = api.refused(f"/v1/jobs/{job['id']}/cancel", 409)
    assert problem["detail"] == "The job ended before it was cancelled."
    api.refused(f"/v1/jobs/{uuid4()}/cancel", 404)


def test_an_unknown_run_and_an_input_that_does_not_fit_are_told_together(api: Api) -> None:
    tasks = [
        {"name": "a", "run": "shop.sum", "input": {}},
        {"name": "b", "run": "shop.suma", "input": {"a": "two", "c": 1}},
    ]
    known = ", ".join(sorted(task["name"] for task in api.get("/v1/catalog/tasks")["items"]))
    assert "shop.suma" in known
    assert told(api.refused("/v1/jobs", 422, json={"tasks": tasks})) == [
        ("#/tasks/0/run", "unknown_run", f"No service has announced shop.sum; known: {known}."),
        ("#/tasks/1/input/b", "missing", "b is required."),
        ("#/tasks/1/input/a", "wrong_type", '"two" is not of type "integer".'),
        ("#/tasks/1/input/c", "unknown_field", "c is not a field here."),
    ]


def test_a_file_is_given_out_in_parts(api: Api) -> None:
    job = api.succeeded(api.submit("/v1/reports", json={"report": "orders"}))
    artifact, content = job["artifacts"][0], api.file(job)
    etag = f'"{hashlib.sha256(content).hexdigest()}"'

    def get(**headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return api.client.get(artifact["url"], headers=given)

    whole = get()
    assert (whole.headers["ETag"], whole.headers["Accept-Ranges"]) == (etag, "bytes")
    assert whole.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert (artifact["sha256"], artifact["size"]) == (etag.strip('"'), len(content))
    parts = [get(Range=f"bytes={start}-{start + 49_999}") for start in range(0, len(content), 50_000)]
    assert {part.status_code for part in parts} == {206}
    assert b"".join(part.content for part in parts) == content
    assert parts[0].headers["Content-Range"] == f"bytes 0-49999/{len(content)}"
    assert get(Range="bytes=-5").content == content[-5:]
    assert get(Range="bytes=0-4", If_Range='"another"').content == content
    assert (get(If_None_Match=etag).status_code, get(If_None_Match=etag).content) == (304, b"")
    assert problem_of(get(If_Match='"another"'), 412)["type"] == "/problems/precondition-failed"
    beyond = get(Range=f"bytes={len(content)}-")
    assert (problem_of(beyond, 416)["status"], beyond.headers["Content-Range"]) == (416, f"bytes */{len(content)}")
    head = api.client.head(artifact["url"])
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(content)), b"")


def test_the_catalog_lists_what_the_services_announced(api: Api) -> None:
    tasks = by_name(api.get("/v1/catalog/tasks"))
    assert tasks.keys() >= {"certificates.issue", "mailer.send", "reports.generate", "shop.initials", "shop.suma"}
    suma = tasks["shop.suma"]
    assert (suma["description"], suma["queue"], suma["workers"]) == ("Adds two numbers.", "shop", 1)
    assert suma["input_schema"]["properties"]["a"]["type"] == suma["result_schema"]["type"] == "integer"
    reports = by_name(api.get("/v1/catalog/reports"))
    assert reports["orders"]["params_schema"]["properties"].keys() == {"least_amount"}
    assert by_name(api.get("/v1/catalog/templates")).keys() >= {"welcome", "report-ready", "certificates-ready"}


def test_lists_come_in_pages(api: Api) -> None:
    tag = uuid4().hex
    for _ in range(5):
        api.run(SUMA, tags=[tag])
    pages = [api.get("/v1/jobs", params={"tag": tag, "limit": 2})]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(api.get("/v1/jobs", params={"tag": tag, "limit": 2, "cursor": cursor}))
    seen = [job["id"] for page in pages for job in page["items"]]
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert seen == sorted(set(seen), reverse=True)  # ids grow with time


def test_every_service_has_a_live_worker(api: Api) -> None:
    live = [worker for worker in api.get("/v1/workers")["items"] if worker["live"]]
    assert {worker["service"] for worker in live} >= {"certificates", "mailer", "reports", "shop"}
    threads = {worker["service"]: worker["threads"] for worker in live}
    assert (threads["mailer"], threads["reports"]) == (24, 8)
    assert all(worker["queue"] == worker["service"] for worker in live)


def test_it_is_alive_and_ready(api: Api) -> None:
    assert api.get("/healthz") == {"status": "alive"}
    ready = api.get("/readyz")
    assert ready["status"] == "ready"
    assert {name: check["status"] for name, check in ready["checks"].items()} == {
        "ledger": "ok",
        "storage": "ok",
        "broker": "ok",
    }


def test_its_openapi_document_has_the_routes(api: Api) -> None:
    document = api.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    posts = {path for path, methods in document["paths"].items() if "post" in methods}
    assert posts >= {"/v1/certificates", "/v1/reports", "/v1/emails", "/v1/files", "/v1/jobs"}


def jobs_tagged(api: Api, tag: str) -> str:
    """The id of the one job with this tag."""
    (job,) = api.get("/v1/jobs", params={"tag": tag})["items"]
    return str(job["id"])


def by_name(page: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in page["items"]}
