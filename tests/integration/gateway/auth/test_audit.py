"""The audit: who did what, when, to what, how often, in which request."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bureau.ledger.access.keys import Role
from bureau.ledger.db.tables import audit
from tests.integration.gateway.conftest import Door
from tests.integration.gateway.keyed import Keyed, keyed_gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Keyed]:
    with keyed_gateway(tmp_path) as keyed:
        yield keyed


def test_acts_on_single_jobs_are_noted_by_key_and_request(gateway: Keyed) -> None:
    job_id = gateway.job()
    cancelled = gateway.ask("POST", f"/v1/jobs/{job_id}/cancel")
    gateway.ask("POST", f"/v1/jobs/{job_id}/cancel")  # again: nothing was done
    retried = gateway.ask("POST", f"/v1/jobs/{job_id}/retry")
    by = f"key {gateway.made['ada', Role.OPERATE].id}"
    assert gateway.audited("act", "by", "owner", "target", "count", "request_id") == [
        ("job.cancel", by, "ada", job_id, 1, cancelled.headers["Request-Id"]),
        ("job.retry", by, "ada", job_id, 1, retried.headers["Request-Id"]),
    ]


def test_acts_by_filter_are_noted_with_the_filter_and_how_many(gateway: Keyed) -> None:
    for _ in range(3):
        gateway.job()
    gateway.ask("POST", "/v1/jobs/cancel", json={"filter": {"kind": "email"}, "dry_run": True})
    assert gateway.audited("act") == []
    done = gateway.ask("POST", "/v1/jobs/cancel", json={"filter": {"kind": "email"}})
    assert gateway.audited("act", "count", "detail", "request_id") == [
        ("jobs.cancel", 3, {"filter": {"kind": "email"}}, done.headers["Request-Id"])
    ]


def test_acts_on_queues_are_noted(gateway: Keyed) -> None:
    gateway.job()
    for act in ("pause", "resume", "purge"):
        body: dict[str, Any] = {"json": {}} if act == "purge" else {}
        assert gateway.ask("POST", f"/v1/queues/mailer/{act}", **body).status_code == 200
    assert gateway.audited("act", "target", "count") == [
        ("queue.pause", "mailer", 1),
        ("queue.resume", "mailer", 1),
        ("queue.purge", "mailer", 1),
    ]


def test_acts_on_schedules_are_noted(gateway: Keyed) -> None:
    job = {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}]}
    gateway.ask("PUT", "/v1/schedules/sums", json={"every_seconds": 3600, "job": job})
    gateway.ask("PATCH", "/v1/schedules/sums", json={"enabled": False})
    gateway.ask("POST", "/v1/schedules/sums/run", headers={"Idempotency-Key": "once"})
    run = gateway.ask("POST", "/v1/schedules/sums/run", headers={"Idempotency-Key": "once"})  # again: nothing was done
    assert run.headers["Idempotent-Replayed"] == "true"
    gateway.ask("DELETE", "/v1/schedules/sums")
    assert gateway.audited("act", "owner", "target", "detail") == [
        ("schedule.put", "ada", "sums", None),
        ("schedule.patch", "ada", "sums", None),
        ("schedule.run", "ada", "sums", {"job": run.json()["id"]}),
        ("schedule.delete", "ada", "sums", None),
    ]


def test_links_are_noted(gateway: Keyed) -> None:
    job_id = gateway.job()
    gateway.ask("POST", f"/v1/jobs/{job_id}/links", json={"expires_in_seconds": 60})
    assert gateway.audited("act", "target", "detail") == [("job.link", job_id, {"expires_in_seconds": 60})]


def test_a_refused_act_is_not_in_the_audit(gateway: Keyed) -> None:
    job_id = gateway.job()
    gateway.ask("POST", f"/v1/jobs/{job_id}/cancel", "bob")
    gateway.ask("POST", f"/v1/jobs/{job_id}/cancel", "ada", Role.VIEW)
    gateway.ask("POST", "/v1/jobs/cancel", json={"filter": {}, "expect": 7})
    assert gateway.audited("act") == []


def test_without_keys_it_was_somebody_on_this_machine(door: Door) -> None:
    job_id = door.post("/v1/emails", {"to": ["a@example.com"], "subject": "Hello", "text": "x"}).json()["id"]
    door.post(f"/v1/jobs/{job_id}/cancel")
    with door.db.read() as connection:
        assert connection.execute(select(audit.c.by)).scalar_one() == "local"
        assert connection.execute(select(func.count()).select_from(audit)).scalar_one() == 1
