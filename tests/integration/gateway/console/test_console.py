"""The pages as a browser without scripts gets them."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import httpx
import pytest

from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.contracts.mail.mail_events import MailEvent, MailEventKind
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.dispatch import workers
from bureau.ledger.jobs.outcome import Failed
from bureau.ledger.jobs.retry_policy import error_of
from bureau.ledger.mail import provider_events
from bureau.ledger.mail.deliveries import Intent, close_delivery, open_delivery
from bureau.ledger.reads import id_part
from bureau.messaging.broker import BrokerKind
from bureau.services.gateway.app import create_app
from bureau.services.gateway.console import job_query
from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import CountingRelay, Door

ADA, BOB = "ada@example.com", "bob@example.com"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def page(door: Door, path: str) -> httpx.Response:
    return door.client.get(path, headers=BROWSER)


def away(*_: object) -> None:
    raise LedgerUnavailable("gone")


def submit(door: Door, **more: str) -> str:
    body = {"to": ["a@example.com"], "subject": "Hello", "text": "x", **more}
    return str(door.post("/v1/emails", body).json()["id"])


def test_without_jobs_the_page_shows_a_curl_line_that_works(door: Door) -> None:
    for path in ("/", "/jobs"):
        shown = page(door, path)
        assert (shown.status_code, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    found = re.search(r"<code>(curl .*?)</code>", shown.text, re.DOTALL)
    assert found is not None
    command = shlex.split(unescape(found[1]))
    url, header, body = command[1], command[command.index("-H") + 1], command[command.index("-d") + 1]
    assert url.startswith("http://127.0.0.1:8600")
    name, value = header.split(": ")
    path = url.removeprefix("http://127.0.0.1:8600")
    assert door.post(path, content=body.encode(), headers={name: value}).status_code == 202


def test_each_job_is_linked_with_its_state_in_words(door: Door) -> None:
    job, gone = submit(door, title="Hello <b>"), submit(door, title="Gone")
    door.post(f"/v1/jobs/{gone}/cancel")
    shown = page(door, "/jobs").text
    assert f'<a href="/jobs/{job}">Hello &lt;b&gt;</a>' in shown
    assert "queued" in shown
    assert "The job was cancelled." in shown
    assert "Gone" not in page(door, "/jobs?state=queued").text
    assert "Hello" not in page(door, "/jobs?q=gone").text


def test_the_first_letters_of_an_id_jump_to_the_job(door: Door) -> None:
    job = submit(door)
    assert page(door, f"/jobs?q={job[:18]}").headers["Location"] == f"/jobs/{job}"
    assert f'title="{job}">{job[-8:]}</code>' in page(door, "/jobs").text
    for part in (job[-8:], job[9:23], f" {job.upper()} "):
        assert door.client.get("/jobs", params={"q": part}, headers=BROWSER).headers["Location"] == f"/jobs/{job}"


def test_a_job_older_than_those_that_are_searched_is_found_by_its_id_or_with_a_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (id_part, job_query):
        monkeypatch.setattr(module, "AMONG", 2)
    old, then, _ = submit(door, title="Old"), submit(door), submit(door)
    assert page(door, f"/jobs?q={old}").headers["Location"] == f"/jobs/{old}"
    for part in (old[-8:], "Old"):
        assert f"/jobs/{old}" not in page(door, f"/jobs?q={part}").text
    before = {"created_before": door.get(f"/v1/jobs/{then}").json()["created_at"]}
    found = door.client.get("/jobs", params={"q": old[-8:], **before}, headers=BROWSER)
    assert found.headers["Location"] == f"/jobs/{old}"
    assert f'href="/jobs/{old}"' in door.client.get("/jobs", params={"q": "Old", **before}, headers=BROWSER).text
    (listed,) = door.client.get("/v1/jobs", params={"id": old[-8:], **before}).json()["items"]
    assert listed["id"] == old
    assert door.get(f"/v1/jobs?id={old[-8:]}").json()["items"] == []


def test_digits_that_are_in_a_title_too_find_both(door: Door) -> None:
    job = submit(door)
    titled = submit(door, title=f"About {job[-8:]}")
    shown = page(door, f"/jobs?q={job[-8:]}")
    assert shown.status_code == 200
    assert f'href="/jobs/{job}"' in shown.text
    assert f'href="/jobs/{titled}"' in shown.text


def test_a_page_loads_nothing_that_its_policy_forbids(door: Door) -> None:
    job = submit(door)
    for path in ("/", "/jobs", f"/jobs/{job}", "/jobs/cancel", "/queues/mailer/purge", "/keys", "/login"):
        shown = page(door, path)
        assert shown.status_code == 200, path
        policy = shown.headers["Content-Security-Policy"]
        assert "'unsafe" not in policy
        assert "script-src 'self'" in policy
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", shown.text), path
        for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', shown.text):
            assert door.get(address).status_code == 200
    assert door.get("/static/nothing.css").status_code == 404


def test_a_page_takes_any_query(door: Door) -> None:
    assert page(door, "/?utm_source=mail").status_code == 200
    odd = page(door, "/jobs?state=odd&created_after=yesterday")
    assert odd.status_code == 200
    assert "These are no filters and were ignored: created_after and state=odd." in odd.text


def test_what_is_not_there_is_said_on_a_page_to_people_and_as_a_problem_to_programs(door: Door) -> None:
    path = "/jobs/00000000-0000-0000-0000-000000000000"
    people, programs = page(door, path), door.get(path)
    assert people.status_code == programs.status_code == 404
    assert "<h1>Not found</h1>" in people.text
    assert programs.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("path", "status"), [("/no/such/page", 404), ("/jobs/letters", 404), ("/v1/nothing", 404), ("/v1/jobs/cancel", 405)]
)
def test_an_address_that_nothing_is_at_is_a_page_to_people(door: Door, path: str, status: int) -> None:
    people, programs = page(door, path), door.get(path)
    assert people.status_code == programs.status_code == status
    assert people.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "To the start" in people.text
    assert "style-src 'self'" in people.headers["Content-Security-Policy"]
    assert programs.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("kind", "name"), [("amqp", "RabbitMQ"), ("memory", "In-process broker")])
def test_the_broker_is_called_what_it_is(
    door: Door, monkeypatch: pytest.MonkeyPatch, kind: BrokerKind, name: str
) -> None:
    relay = CountingRelay(broker_kind=kind)
    client = create_app(GatewaySettings(), door.db, door.storage, relay).test_client()
    assert f"<span>{name}</span>" in client.get("/", headers=BROWSER).text
    told = client.get("/readyz").json
    assert told is not None
    assert told["broker_kind"] == kind
    monkeypatch.setattr(type(door.db), "read", away)
    assert f"{name}, which carries messages, " in client.get("/", headers=BROWSER).text


def test_many_jobs_are_cancelled_with_the_count_that_was_said(door: Door) -> None:
    first = submit(door)
    assert "Cancel 1 job?" in page(door, "/jobs/cancel").text
    second = submit(door)
    stale = door.client.post("/jobs/cancel", data={"expect": "1"}, headers=BROWSER)
    assert (stale.status_code, door.get(f"/v1/jobs/{first}").json()["state"]) == (409, "queued")
    assert "The number was 1 before. Nothing was changed" in stale.text
    done = door.client.post("/jobs/cancel", data={"expect": "2"}, headers=BROWSER)
    assert (done.status_code, done.headers["Location"]) == (303, "/jobs?&done=jobs-cancelled&n=2")
    assert "2 jobs cancelled." in page(door, done.headers["Location"]).text
    assert door.get(f"/v1/jobs/{second}").json()["state"] == "cancelled"


def test_a_filter_that_is_none_is_not_acted_on(door: Door) -> None:
    submit(door)
    for path in ("/jobs/cancel?created_before=yesterday", "/jobs/cancel?kind=letters"):
        assert page(door, path).status_code == 422
    posted = door.client.post("/jobs/cancel", data={"expect": "1", "state": "letters"}, headers=BROWSER)
    assert posted.status_code == 422


def test_a_queue_is_paused_resumed_and_purged(door: Door) -> None:
    job = submit(door)
    door.client.post("/queues/mailer/pause")
    assert "mailer: paused" in page(door, "/").text
    assert "The queue mailer is paused." in page(door, f"/jobs/{job}").text
    door.client.post("/queues/mailer/resume")
    assert "Purge mailer: cancel 1 task?" in page(door, "/queues/mailer/purge").text
    done = door.client.post("/queues/mailer/purge", data={"expect": "1"})
    assert done.headers["Location"] == "/?done=queue-purged&n=1"
    assert "no worker" not in page(door, "/").text


def test_a_job_is_run_again_as_a_new_one(door: Door) -> None:
    job = submit(door, title="Once more")
    door.post(f"/v1/jobs/{job}/cancel")
    accepted = door.client.post(f"/jobs/{job}/again", headers=BROWSER)
    assert accepted.status_code == 303, accepted.text
    new = accepted.headers["Location"].partition("?")[0]
    assert new != f"/jobs/{job}"
    shown = door.get(f"/v1{new}").json()
    assert (shown["kind"], shown["title"], shown["state"]) == ("email", "Once more", "queued")


def test_inputs_are_shown_without_their_secrets(door: Door) -> None:
    body = {"name": "draw", "run": "shop.picture", "input": {"api_token": "s3cret", "nested": [{"password": "hush"}]}}
    job = door.post("/v1/jobs", {"tasks": [body]}).json()["id"]
    shown = page(door, f"/jobs/{job}").text
    assert "•••" in shown
    assert "s3cret" not in shown
    assert "hush" not in shown


def test_an_address_elsewhere_is_not_gone_to(door: Door) -> None:
    for address in ("https://evil.example/", "//evil.example", "/\\evil.example", "/\tx"):
        answer = door.client.post("/theme", data={"theme": "dark", "next": address})
        assert answer.headers["Location"] == "/"


def test_the_theme_is_kept_in_a_cookie(door: Door) -> None:
    answer = door.client.post("/theme", data={"theme": "dark", "next": "/jobs"})
    assert answer.headers["Location"] == "/jobs"
    assert 'data-theme="dark"' in page(door, "/jobs").text
    door.client.post("/theme", data={"theme": "shrill"})
    assert 'data-theme="system"' in page(door, "/jobs").text


def test_with_the_ledger_away_the_page_says_since_when(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(door.db), "read", away)
    shown = page(door, "/jobs")
    assert shown.status_code == 503
    assert re.search(r"The ledger has been unavailable since \d\d:\d\d:\d\d", shown.text)


def sent(door: Door, job: str, people: list[str]) -> UUID:
    """The job's task, once its mail was handed over for them."""
    claimed = door.book.claim(UUID(job), "send", queue="mailer")
    assert claimed is not None
    task = claimed.task_id
    tried = open_delivery(door.db, Intent(task, 1, "<1@example.com>", "sendgrid", tuple(people)))
    close_delivery(door.db, DeliveryEnd(task, tried.n, DeliveryState.SENT, dict.fromkeys(people, "sent"), "250"))
    return task


def test_a_job_tells_what_became_of_its_mail_for_each_recipient(door: Door) -> None:
    job, now = submit(door), datetime.now(UTC)
    task = sent(door, job, [ADA, BOB])
    told = [(ADA, MailEventKind.DELIVERED, None), (BOB, MailEventKind.BOUNCED, "550 no <such> user")]
    provider_events.record(door.db, [MailEvent(f"e-{to}", task, 1, to, kind, now, reason) for to, kind, reason in told])
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page(door, f"/jobs/{job}").text))
    assert re.search(r"✓ delivered ada@example.com [\d:]+ sendgrid: sent, 250 [\d:]+ delivered", shown)
    assert re.search(
        r"✕ bounced bob@example.com [\d:]+ sendgrid: sent, 250 [\d:]+ bounced, 550 no &lt;such&gt; user", shown
    )


def test_a_mail_to_many_that_was_told_of_often_makes_no_large_page(door: Door) -> None:
    job, now = submit(door), datetime.now(UTC)
    people = [f"person-{n}@example.com" for n in range(100)]
    task = sent(door, job, people)
    told = [(f"{to}-{n}", to) for to in people for n in range(9)]
    why = "4.7.1 come back later " * 50
    provider_events.record(door.db, [MailEvent(one, task, 1, to, MailEventKind.DEFERRED, now, why) for one, to in told])
    shown = page(door, f"/jobs/{job}")
    assert "The first 40 of 100 recipients." in shown.text
    assert len(shown.content) < 100_000


def test_what_workers_cannot_use_is_shown_with_since_when(door: Door) -> None:
    (mailer,) = [worker.id for worker in workers.workers(door.db) if worker.service == "mailer"]
    shown = page(door, "/").text
    assert "Mail transport" in shown
    assert "is away" not in shown
    trouble = Outage(name="smtp", how="open circuit", since=datetime.now(UTC) - timedelta(minutes=9), why="No <route>.")
    workers.seen(door.db, mailer, busy=0, claimed=0, trouble=[trouble])
    shown = page(door, "/").text
    assert f"Mail transport smtp is away since {trouble.since:%H:%M:%S} (9 min).</h1>" in shown
    assert '<p class="detail">Open circuit: No &lt;route&gt;.</p>' in shown
    assert "smtp open circuit</span> since" in page(door, "/workers").text
    (told,) = [one["trouble"] for one in door.get("/v1/workers").json()["items"] if one["id"] == mailer]
    assert [(one["name"], one["how"], one["why"]) for one in told] == [("smtp", "open circuit", "No <route>.")]


def test_what_no_worker_can_tell_is_not_shown_as_well(door: Door) -> None:
    workers.stopped(door.db, [worker.id for worker in workers.workers(door.db) if worker.service == "mailer"])
    submit(door)  # so that its queue is known all the same
    shown = page(door, "/").text
    assert "Not known, because no worker serves mailer." in shown


def test_the_errors_of_a_roster_are_a_list(door: Door) -> None:
    job = submit(door)
    details = [{"file": "a<b>.csv", "line": n, "column": "email", "message": f"error {n}"} for n in (2, 5)]
    error = error_of("certificates_refused", "The rosters have 2 errors.", retryable=False, details=details)
    claimed = door.book.claim(UUID(job), "send", queue="mailer")
    assert claimed
    door.book.finish(claimed, Failed(error))
    shown = page(door, f"/jobs/{job}").text
    assert "<li>a&lt;b&gt;.csv, line 2, <b>email</b>: error 2</li><li>a&lt;b&gt;.csv, line 5" in shown
    assert door.get(f"/v1/jobs/{job}").json()["error"]["details"] == details
