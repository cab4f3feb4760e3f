"""A cancel reaches what runs wherever it waits: nothing of it goes on, nothing of it is left."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.faults.load import ROSTER
from tests.support.faults.patience import ROUNDS
from tests.support.faults.rounds import World
from tests.support.servers.http_servers import hangs
from tests.support.servers.mail_servers import Trouble
from tests.support.waiting import until

# Of an idle machine; `make test` shares it with whatever else runs there.
ENDS_WITHIN_SECONDS = 2.0 if ROUNDS else 20.0
SLEEPS = """
  SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'bureau reports'
    AND state = 'active' AND query ILIKE 'copy%%'
"""


@pytest.fixture(autouse=True)
def well_again(world: World) -> Any:
    yield
    world.mail.recover()
    world.api.recover()


def task_id(world: World, job: dict[str, Any]) -> str:
    (row,) = world.books.rows("SELECT id FROM tasks WHERE job_id = %s::uuid", job["id"])
    return str(row["id"])


def files(world: World, job: dict[str, Any]) -> list[str]:
    """In the storage, under the job's prefix."""
    return [
        str(path) for path in world.bureau.storage.rglob("*") if path.is_file() and task_id(world, job) in str(path)
    ]


def cancelled(world: World, job: dict[str, Any], reached: Callable[[], object]) -> None:
    """Asks once `reached` is true, and holds the end against the clock."""
    until(lambda: reached() and world.bureau.api.job(job["id"])["state"] == "running", 30, "it runs")
    began = time.monotonic()
    world.bureau.api.client.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()
    ended = world.bureau.api.ended(job, ENDS_WITHIN_SECONDS)
    assert time.monotonic() - began < ENDS_WITHIN_SECONDS
    assert (ended["state"], ended["artifacts"]) == ("cancelled", [])
    until(lambda: not files(world, job), 10, lambda: f"no files of it: {files(world, job)}")


def test_in_an_http_call(world: World) -> None:
    world.api.behaviour = hangs()
    upload = [("files", ("roster.csv", ROSTER, "text/csv"))]
    job = world.bureau.api.submit("/v1/certificates", files=upload)
    asked = task_id(world, job)
    cancelled(world, job, lambda: world.api.requests[asked])
    assert world.api.requests[asked] == 1


def test_in_sql_and_the_statement_is_gone_from_the_server(world: World) -> None:
    job = world.bureau.api.submit("/v1/reports", json={"report": "sleeping"})
    cancelled(world, job, lambda: world.books.one(SLEEPS))
    assert world.books.one(SLEEPS) == 0


def test_in_smtp_before_data(world: World) -> None:
    world.mail.trouble(to_sender=Trouble.HANG)
    mail = {"to": ["ada@cancel.test"], "subject": "Never", "text": "To be read by nobody."}
    job = world.bureau.api.submit("/v1/emails", json=mail)
    cancelled(world, job, lambda: world.mail.held)
    world.mail.recover()
    assert not [address for _, address in world.mail.accepted() if address == "ada@cancel.test"]


def test_in_a_file_that_is_being_written(world: World) -> None:
    job = world.bureau.api.run({"name": "only", "run": "chaos.file", "input": {"letters": 10, "seconds": 60}})
    cancelled(world, job, lambda: True)


def test_at_any_call_of_ctx(world: World) -> None:
    job = world.bureau.api.run({"name": "only", "run": "chaos.busy", "input": {}})
    cancelled(world, job, lambda: True)


def test_a_queued_task_never_starts(world: World) -> None:
    """Its hint is on the way already, or in the worker's hands."""
    tasks = [{"name": "only", "run": "chaos.work", "input": {"number": n, "seconds": 3}} for n in range(40)]
    answer = world.bureau.api.client.post("/v1/jobs/batch", json={"jobs": [{"tasks": [task]} for task in tasks]})
    jobs = answer.raise_for_status().json()["items"]
    for job in reversed(jobs):
        world.bureau.api.client.post(f"/v1/jobs/{job['id']}/cancel")
    never = [job for job in jobs if world.bureau.api.ended(job)["tasks"][0]["started_at"] is None]
    assert len(never) > 10
    assert {world.bureau.api.job(job["id"])["state"] for job in never} == {"cancelled"}
    file = world.bureau.folder / "effects"
    effects = file.read_text() if file.exists() else ""
    assert not [job for job in never if task_id(world, job) in effects]
