"""Retry of a job, and cancel and retry of many by filter."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from bureau.ledger.jobs.outcome import Failed, Succeeded
from tests.integration.gateway.api.test_jobs import NOBODY, submit, suma
from tests.integration.gateway.conftest import Door, pointers

BOOM = {"code": "boom", "message": "It broke.", "retryable": True}


def failed(door: Door, *more: dict[str, Any], code: str = "boom", **terms: Any) -> str:
    """A job whose first task succeeded, whose second failed, and whose others never ran."""
    job = submit(door, suma("first"), suma("second", after=["first"]), *more, **terms)
    job_id: str = job["id"]
    door.book.run(UUID(job_id), "first", Succeeded(4))
    door.book.run(UUID(job_id), "second", Failed({**BOOM, "code": code}))
    return job_id


def states(answer: httpx.Response) -> dict[str, str]:
    return {task["name"]: task["state"] for task in answer.json()["tasks"]}


def test_a_retry_runs_what_did_not_succeed_and_keeps_what_did(door: Door) -> None:
    job_id = failed(door, suma("third", after=["second"]))
    answer = door.post(f"/v1/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json()["error"], answer.json()["finished_at"]) == (200, None, None)
    assert states(answer) == {"first": "succeeded", "second": "queued", "third": "waiting"}
    door.book.run(UUID(job_id), "second", Succeeded(1))
    door.book.run(UUID(job_id), "third", Succeeded(2))
    assert door.get(f"/v1/jobs/{job_id}").json()["state"] == "succeeded"


def test_a_cancelled_job_can_be_retried(door: Door) -> None:
    job = submit(door)
    door.post(f"/v1/jobs/{job['id']}/cancel")
    answer = door.post(f"/v1/jobs/{job['id']}/retry")
    assert (answer.json()["state"], answer.json()["cancel_requested_at"]) == ("queued", None)


def test_a_job_under_way_or_succeeded_is_not_retried(door: Door) -> None:
    job = submit(door)
    under_way = door.post(f"/v1/jobs/{job['id']}/retry")
    door.book.run(UUID(job["id"]), "add", Succeeded(4))
    succeeded = door.post(f"/v1/jobs/{job['id']}/retry")
    for answer in (under_way, succeeded):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/job-not-failed")
    assert door.post(f"/v1/jobs/{NOBODY}/retry").status_code == 404


def test_a_dry_run_counts_by_error_and_changes_nothing(door: Door) -> None:
    ids = [failed(door), failed(door), failed(door, code="bang")]
    answer = door.post("/v1/jobs/retry", {"dry_run": True})
    assert answer.json() == {"count": 3, "by_error": {"boom": 2, "bang": 1}, "changed": 0, "dry_run": True}
    assert all(door.get(f"/v1/jobs/{job_id}").json()["state"] == "failed" for job_id in ids)


def test_another_count_than_expected_does_nothing(door: Door) -> None:
    job_id = failed(door)
    answer = door.post("/v1/jobs/retry", {"expect": 2})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/count-changed")
    assert answer.json()["detail"].startswith("1 jobs match")
    assert door.get(f"/v1/jobs/{job_id}").json()["state"] == "failed"


def test_retries_of_many_jobs_are_spread_over_time(door: Door) -> None:
    for _ in range(3):
        failed(door, tags=["monthly"])
    other = failed(door)
    answer = door.post("/v1/jobs/retry", {"filter": {"tag": "monthly"}, "expect": 3, "per_second": 0.01})
    assert (answer.json()["count"], answer.json()["changed"]) == (3, 3)
    found = door.get("/v1/jobs?tag=monthly").json()["items"]
    assert sorted("retrying" in job["counts"] for job in found) == [False, True, True]
    assert door.get(f"/v1/jobs/{other}").json()["state"] == "failed"


def test_jobs_are_retried_by_the_cause_of_their_failure(door: Door) -> None:
    for code in ("away", "away", "broken"):
        failed(door, code=code)
    away = {"state": ["failed"], "error": "away", "run": "shop.suma"}
    assert door.post("/v1/jobs/retry", {"filter": away, "dry_run": True}).json()["by_error"] == {"away": 2}
    for nothing in ({"error": "gone"}, {"run": "shop.other"}, {"finished_after": "2999-01-01T00:00:00Z"}):
        assert door.post("/v1/jobs/retry", {"filter": away | nothing, "dry_run": True}).json()["count"] == 0
    assert len(door.get("/v1/jobs?error=away&finished_after=2020-01-01T00:00:00Z").json()["items"]) == 2
    assert door.post("/v1/jobs/retry", {"filter": away, "expect": 2}).json()["changed"] == 2
    assert len(door.get("/v1/jobs?state=failed&error=broken").json()["items"]) == 1


def test_waiting_jobs_are_cancelled_by_filter_and_ended_ones_are_left(door: Door) -> None:
    waiting = [submit(door, title="Invoices")["id"] for _ in range(2)]
    job_id = failed(door)
    answer = door.post("/v1/jobs/cancel", {"filter": {"q": "invoices"}})
    assert (answer.json()["count"], answer.json()["changed"]) == (2, 2)
    assert {door.get(f"/v1/jobs/{job}").json()["state"] for job in waiting} == {"cancelled"}
    assert door.get(f"/v1/jobs/{job_id}").json()["state"] == "failed"


def test_a_replay_does_nothing_again(door: Door) -> None:
    failed(door)
    first = door.post("/v1/jobs/retry", {}, headers={"Idempotency-Key": "again"})
    failed(door)
    second = door.post("/v1/jobs/retry", {}, headers={"Idempotency-Key": "again"})
    assert (first.json()["changed"], second.json()["changed"]) == (1, 0)
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"filter": {"state": ["asleep"]}}, ["#/filter/state/0"]),
        ({"filter": {"colour": "red"}}, ["#/filter/colour"]),
        ({"expect": -1, "per_second": 0}, ["#/expect", "#/per_second"]),
    ],
)
def test_a_filter_that_is_wrong_is_refused_whole(door: Door, body: dict[str, Any], where: list[str]) -> None:
    answer = door.post("/v1/jobs/cancel", body)
    assert (answer.status_code, pointers(answer)) == (422, where)
