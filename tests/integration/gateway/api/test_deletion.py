"""DELETE /v1/jobs/{id}: a job that has ended goes, with its log and its files."""

from uuid import UUID

from bureau.ledger.jobs.outcome import Succeeded
from bureau.services.scheduler.retention import RemovedFiles
from tests.integration.gateway.api.test_jobs import NOBODY, submit
from tests.integration.gateway.conftest import Door
from tests.support.ledger.office import Office


def test_an_ended_job_is_deleted_with_its_files(door: Door) -> None:
    office = Office(door.db, door.storage)
    job = submit(door)
    claimed = door.book.take(UUID(job["id"]), "add")
    made = office.put(f"jobs/{job['id']}/{claimed.task_id}/1", UUID(job["id"]), owner="local")
    door.book.finish(claimed, Succeeded(4, made=[made]))
    (file,) = door.get(f"/v1/jobs/{job['id']}").json()["artifacts"]
    assert door.get(file["url"]).status_code == 200
    gone = door.client.delete(f"/v1/jobs/{job['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}/tasks", file["url"]):
        assert door.get(path).status_code == 404
    assert door.client.delete(f"/v1/jobs/{job['id']}").status_code == 404
    RemovedFiles(door.db, door.storage).step()
    assert door.stored() == []


def test_a_job_under_way_is_not_deleted(door: Door) -> None:
    job = submit(door)
    answer = door.client.delete(f"/v1/jobs/{job['id']}")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/job-not-ended")
    door.post(f"/v1/jobs/{job['id']}/cancel")
    assert door.client.delete(f"/v1/jobs/{job['id']}").status_code == 204


def test_there_is_no_other_job(door: Door) -> None:
    assert door.client.delete(f"/v1/jobs/{NOBODY}").status_code == 404
    assert door.client.delete("/v1/jobs/x").status_code == 404


def test_a_replayed_submission_whose_job_was_deleted_is_not_found(door: Door) -> None:
    key = {"Idempotency-Key": "once"}
    body = {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}]}
    job = door.post("/v1/jobs", body, headers=key).json()
    door.book.run(UUID(job["id"]), "add")
    door.client.delete(f"/v1/jobs/{job['id']}")
    assert door.post("/v1/jobs", body, headers=key).status_code == 404
