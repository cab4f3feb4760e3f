"""Schedules of reports, e-mails and certificates: the fields of their submissions, checked as these are."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from bureau.contracts.catalog import Catalog, ReportDescription
from bureau.ledger.jobs.outcome import Succeeded
from tests.integration.gateway.api.test_jobs import NOBODY, suma
from tests.integration.gateway.conftest import GENERATE, SALES, Door, pointers
from tests.support.waiting import until

DAILY = {"cron": "0 7 * * 1-5", "time_zone": "Europe/Paris"}
REPORT = {"report": "sales", "params": {"limit": 20}, "email_to": ["cfo@example.com"]}
EMAIL = {"to": ["ada@example.com"], "subject": "Good morning", "text": "It is seven."}


def put(door: Door, **fields: Any) -> httpx.Response:
    return door.client.put("/v1/schedules/daily", json={**DAILY, **fields})


def patch(door: Door, **fields: Any) -> httpx.Response:
    return door.client.patch("/v1/schedules/daily", json=fields)


def run(door: Door) -> dict[str, Any]:
    answer = door.post("/v1/schedules/daily/run")
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def roster(door: Door) -> str:
    stored = door.post("/v1/files", files={"file": ("roster.csv", b"name\nAda\n", "text/csv")}).json()
    return str(stored["id"])


def graph(job: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [(task["name"], task["run"], task["after"]) for task in job["tasks"]]


def test_a_scheduled_report_makes_the_job_of_its_submission(door: Door) -> None:
    made = put(door, report=REPORT)
    assert made.status_code == 201, made.text
    shown = door.get("/v1/schedules/daily").json()
    assert (shown["report"], shown["job"], shown["email"], shown["certificates"]) == (REPORT, None, None, None)
    by_schedule, by_hand = run(door), door.post("/v1/reports", REPORT).json()
    assert (by_schedule["kind"], by_schedule["title"]) == ("report", "Monthly sales")
    assert graph(by_schedule) == graph(by_hand)
    assert [task["input"] for task in by_schedule["tasks"]] == [task["input"] for task in by_hand["tasks"]]


def test_a_scheduled_email_makes_the_job_of_its_submission(door: Door) -> None:
    attached = roster(door)
    mail = {**EMAIL, "from": "Bureau <bureau@example.com>", "attachments": [{"artifact": attached, "name": "a.csv"}]}
    assert put(door, email=mail).json()["email"] == mail
    by_schedule, by_hand = run(door), door.post("/v1/emails", mail).json()
    assert (by_schedule["kind"], by_schedule["title"]) == ("email", "Good morning")
    assert [task["input"] for task in by_schedule["tasks"]] == [task["input"] for task in by_hand["tasks"]]


def test_scheduled_certificates_are_made_from_a_stored_roster_which_is_kept(door: Door) -> None:
    stored = roster(door)
    asked = {"files": [{"artifact": stored}], "email_to": ["ada@example.com"], "subject": "Yours", "language": "es"}
    assert put(door, certificates=asked).status_code == 201
    for _ in range(2):
        job = run(door)
        assert (job["kind"], job["title"]) == ("certificates", "daily")
        assert graph(job) == [("issue", "certificates.issue", []), ("mail", "mailer.send", ["issue"])]
        assert job["tasks"][0]["input"] == {"files": [{"artifact": stored}], "language": "es"}
        claimed = door.book.claim(UUID(job["id"]), "issue", queue="certificates")
        assert claimed is not None
        door.book.finish(claimed, Succeeded(None, removed=[UUID(stored)]))
        assert door.get(f"/v1/artifacts/{stored}/roster.csv").status_code == 200


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({}, ["#/job"], "one of job, report, email, certificates"),
        ({"report": None}, ["#/job"], "one of job, report, email, certificates"),
        ({"report": REPORT, "job": {"tasks": [suma()]}}, ["#/report"], "Give job or report, not both"),
        ({"report": {**REPORT, "report": "sale"}}, ["#/report/report"], "known: sales"),
        ({"report": {**REPORT, "params": {"limit": 0}}}, ["#/report/params/limit"], "less than the minimum of 1"),
        ({"report": {**REPORT, "params": {"limits": 5}}}, ["#/report/params/limits"], "not a field here"),
        ({"report": {**REPORT, "email_to": ["ada"]}}, ["#/report/email_to/0"], "must have an @-sign"),
        ({"report": {"report": "sales", "subject": "x"}}, ["#/report/subject"], "needs email_to"),
        ({"report": {"report": "sales", "colour": "red"}}, ["#/report/colour"], "not a field"),
        ({"report": {"report": "sales", "priority": "5"}}, ["#/report/priority"], "integer"),
        ({"report": {**REPORT, "run_at": "2030-01-01T00:00:00Z"}}, ["#/report/run_at"], "cron or every_seconds"),
        ({"report": {**REPORT, "id": NOBODY}}, ["#/report/id"], "leave it out"),
        ({"email": {**EMAIL, "to": []}}, ["#/email/to"], "Name a recipient"),
        ({"email": {"to": ["ada@example.com"], "template": "welcom"}}, ["#/email/template"], "known: ready, welcome"),
        ({"email": {**EMAIL, "text": "x" * 16_385}}, ["#/email/text"], "16385 bytes; a schedule takes 16384"),
        ({"email": {**EMAIL, "expires_at": "2030-01-01T00:00:00Z"}}, ["#/email/expires_at"], "leave it out"),
        ({"email": {**EMAIL, "attachments": [{"artifact": NOBODY}]}}, ["#/email/attachments/0"], "not found"),
        ({"certificates": {"files": []}}, ["#/certificates/files"], "1"),
        ({"certificates": {"files": [{"artifact": NOBODY}]}}, ["#/certificates/files/0"], "not found"),
        (
            {"report": {**REPORT, "params": {"limit": 0}}, "cron": "61 * * * *", "time_zone": "Mars"},
            ["#/cron", "#/report/params/limit", "#/time_zone"],
            "",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_told_when_it_is_saved(
    door: Door, fields: dict[str, Any], where: list[str], words: str
) -> None:
    answer = put(door, **fields)
    assert answer.status_code == 422, answer.text
    assert sorted(pointers(answer)) == where, answer.text
    assert words in answer.text
    assert door.get("/v1/schedules/daily").status_code == 404


def test_a_file_of_another_owner_is_not_taken(door: Door) -> None:
    stored = roster(door)
    with door.db.transaction() as connection:
        connection.exec_driver_sql("UPDATE artifacts SET owner = 'bob'")
    answer = put(door, certificates={"files": [{"artifact": stored}]})
    assert (answer.status_code, pointers(answer)) == (422, ["#/certificates/files/0"])


def test_a_report_without_its_service_is_no_error_of_the_request(empty_door: Door) -> None:
    empty_door.announce("shop")
    answer = empty_door.client.put("/v1/schedules/daily", json={**DAILY, "report": REPORT})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no-service")
    assert "No reports service" in answer.text


def test_a_patch_replaces_one_request_by_another(door: Door) -> None:
    put(door, report=REPORT)
    changed = patch(door, email=EMAIL).json()
    assert (changed["email"], changed["report"], changed["job"]) == (EMAIL, None, None)
    assert patch(door, enabled=False).json()["email"] == EMAIL
    assert patch(door, job={"tasks": [suma()]}).json()["job"] == {"tasks": [suma()]}
    assert pointers(patch(door, report={**REPORT, "params": {"limit": 0}})) == ["#/report/params/limit"]
    assert pointers(patch(door, report=REPORT, email=EMAIL)) == ["#/email"]


def test_what_is_read_can_be_put_again(door: Door) -> None:
    put(door, report={**REPORT, "format": {"delimiter": ";"}, "tags": ["daily"]})
    read = door.get("/v1/schedules/daily").json()
    names = ("cron", "every_seconds", "time_zone", "job", "report", "email", "certificates", "enabled", "misfire")
    again = door.client.put("/v1/schedules/daily", json={name: read[name] for name in names})
    assert again.status_code == 200, again.text
    assert again.json()["report"] == read["report"]


def refused(answer: httpx.Response) -> httpx.Response | None:
    return answer if answer.status_code >= 400 else None


def test_a_request_is_checked_again_when_it_is_run(door: Door) -> None:
    put(door, report=REPORT)
    narrower = ReportDescription(
        name="sales", title="Monthly sales", source="demo", params_schema={**SALES.params_schema, "properties": {}}
    )
    with door.db.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM workers WHERE service = 'reports'")
    door.announce("reports", Catalog(tasks=[GENERATE], reports=[narrower]))
    answer = until(lambda: refused(door.post("/v1/schedules/daily/run")), 30, "the gateway to see the announcement")
    assert answer is not None
    assert (answer.status_code, pointers(answer)) == (422, ["#/report/params/limit"])
    assert patch(door, enabled=False).status_code == 200


def test_a_schedule_tells_as_many_of_its_next_times_as_are_asked_for(door: Door) -> None:
    put(door, report=REPORT)
    for number in (1, 20):
        assert len(door.get(f"/v1/schedules/daily?next={number}").json()["next_runs"]) == number
    assert pointers(door.get("/v1/schedules/daily?next=21")) == ["next"]
    assert pointers(door.get("/v1/schedules/daily?next=0")) == ["next"]
