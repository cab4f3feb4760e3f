"""Tests the ids that clients choose for their jobs: a submission that is repeated makes no second job."""

from pathlib import Path
from typing import Any

import pytest

from bureau.contracts.ids import new_id
from tests.integration.gateway.conftest import Door, pointers
from tests.integration.gateway.keyed import keyed_gateway

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
GRAPH = {"tasks": [{"name": "send", "run": "mailer.send", "input": MAIL}]}
EVERY_DAY = {"cron": "0 6 * * *", "time_zone": "Europe/Madrid"}


@pytest.mark.parametrize(("path", "body"), [("/v1/emails", MAIL), ("/v1/jobs", GRAPH)])
def test_a_second_submission_with_an_id_answers_with_the_first_job(door: Door, path: str, body: Any) -> None:
    job_id = str(new_id())
    first = door.post(path, {**body, "id": job_id})
    again = door.post(path, {**body, "id": job_id, "title": "again"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"] == job_id
    assert again.json()["title"] == first.json()["title"]
    assert again.headers["Location"] == f"/v1/jobs/{job_id}"
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert len(door.get("/v1/jobs").json()["items"]) == 1


def test_files_of_a_repeated_submission_are_deleted(door: Door) -> None:
    form = {"id": str(new_id())}
    files = [("files", ("roster.csv", b"recipient,course\nAda,Welding\n", "text/csv"))]
    first = door.post("/v1/certificates", files=files, data=form)
    stored = door.stored()
    again = door.post("/v1/certificates", files=files, data=form)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == form["id"]
    assert door.stored() == stored


def test_jobs_of_a_batch_keep_their_ids_and_a_taken_one_refuses_the_batch(door: Door) -> None:
    ids = [str(new_id()), str(new_id())]
    batch = {"jobs": [{**GRAPH, "id": ids[0]}, GRAPH]}
    made = door.post("/v1/jobs/batch", batch).json()["items"]
    assert made[0]["id"] == ids[0]
    refused = door.post("/v1/jobs/batch", {"jobs": [{**GRAPH, "id": ids[1]}, {**GRAPH, "id": ids[0]}]})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/job-id-taken")
    assert ids[0] in refused.json()["detail"]
    assert door.get(f"/v1/jobs/{ids[1]}").status_code == 404


def test_an_invalid_id_is_refused(door: Door) -> None:
    refused = door.post("/v1/emails", {**MAIL, "id": "order-7"})
    assert refused.status_code == 422
    assert pointers(refused) == ["#/id"]


def test_a_schedule_s_job_has_no_id(door: Door) -> None:
    job = {**GRAPH, "id": str(new_id())}
    refused = door.client.put("/v1/schedules/daily", json={**EVERY_DAY, "job": job})
    assert refused.status_code == 422
    assert pointers(refused) == ["#/job/id"]


def test_the_id_of_another_owner_s_job_is_refused(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path) as keyed:
        taken = {**MAIL, "id": keyed.job("ada")}
        refused = keyed.ask("POST", "/v1/emails", "bob", json=taken)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/job-id-taken")
