"""The schedules of examples/schedules, as a user would put them in force, and a job that comes by time."""

import email
import email.policy
import os
import time
from datetime import datetime
from typing import Any

import pytest

from tests.support.running.embedded import EmbeddedBureau
from tests.support.waiting import until

IN_FORCE = {"daily-report", "hourly-check", "nightly-clean-up"}


@pytest.fixture
def bureau(plain: EmbeddedBureau) -> EmbeddedBureau:
    until(lambda: listed(plain).keys() >= IN_FORCE, 30, lambda: f"three schedules in force: {plain.process}")
    return plain


def listed(bureau: EmbeddedBureau) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in bureau.api.get("/v1/schedules")["items"]}


def run(bureau: EmbeddedBureau, name: str) -> dict[str, Any]:
    return bureau.api.succeeded(bureau.api.submit(f"/v1/schedules/{name}/run"))


def test_the_daily_report_comes_by_mail_with_its_file(bureau: EmbeddedBureau) -> None:
    found = listed(bureau)["daily-report"]
    assert (found["cron"], found["time_zone"], found["source"]) == ("0 7 * * MON-FRI", "Europe/Paris", "file")
    assert len(found["next_runs"]) == 5
    job = run(bureau, "daily-report")
    report = bureau.api.file(job)
    (sent,) = (task["result"] for task in job["tasks"] if task["run"] == "mailer.send")
    path = bureau.outbox / f"{sent['message_id'].strip('<>')}.eml"
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    (attached,) = mail.iter_attachments()
    assert mail["To"] == "cfo@example.com"
    assert attached.get_payload(decode=True) == report
    assert report.count(b"\n") == 21


def test_the_hourly_check_sends_no_mail_while_there_is_room(bureau: EmbeddedBureau) -> None:
    tasks = run(bureau, "hourly-check")["tasks"]
    assert [(task["name"], task["state"]) for task in tasks] == [("check", "succeeded"), ("alarm", "skipped")]


def test_the_nightly_clean_up_deletes_old_mails(bureau: EmbeddedBureau) -> None:
    bureau.outbox.mkdir(parents=True, exist_ok=True)
    old = bureau.outbox / "old.eml"
    old.write_text("an old mail")
    os.utime(old, (time.time() - 40 * 24 * 3600,) * 2)
    (task,) = run(bureau, "nightly-clean-up")["tasks"]
    assert task["result"] == 1
    assert not old.exists()


def test_a_job_comes_when_its_time_has_come(bureau: EmbeddedBureau) -> None:
    look = {"name": "look", "run": "upkeep.free_space", "input": {"folder": ".", "least_percent": 0}}
    made = bureau.api.client.put("/v1/schedules/often", json={"every_seconds": 1, "job": {"tasks": [look]}})
    assert made.status_code == 201
    job = until(lambda: listed(bureau)["often"]["last_job"], 20, "its first job")
    ended = bureau.api.succeeded(job)["finished_at"]
    assert datetime.fromisoformat(ended) >= datetime.fromisoformat(made.json()["next_runs"][0])
    assert bureau.api.client.delete("/v1/schedules/often").status_code == 204
