"""What services announced is read once a second, whoever asks."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bureau.contracts.catalog import Catalog, TaskDescription
from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.dispatch.deployed import deploy
from bureau.submission.announcements import Announcements
from tests.integration.gateway.conftest import PICTURE, SUMA, Door
from tests.support.running.processes import ROOT
from tests.support.waiting import until


class Clock:
    """Time that goes by when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_ledger_is_asked_at_most_once_a_second(empty_door: Door) -> None:
    clock = Clock()
    announcements = Announcements(empty_door.db, clock)
    assert announcements.known().tasks == {}
    empty_door.announce("shop")
    assert announcements.known().tasks == {}
    clock.now += 1
    assert set(announcements.known().tasks) == {"shop.picture", "shop.suma"}


def test_schemas_are_compiled_again_only_when_they_change(empty_door: Door) -> None:
    clock = Clock()
    announcements = Announcements(empty_door.db, clock)
    empty_door.announce("shop")
    first = announcements.known()
    clock.now += 1
    again = announcements.known()
    assert again.tasks is first.tasks
    empty_door.announce("shop", Catalog(tasks=[SUMA]))
    clock.now += 1
    assert announcements.known().workers_by_task["shop.suma"] == 2


def test_a_schema_that_is_not_admitted_leaves_its_task_out(empty_door: Door) -> None:
    bad = TaskDescription(name="shop.bad", queue="shop", input_schema={"pattern": "(?=x)"}, result_schema={})
    empty_door.announce("shop", Catalog(tasks=[SUMA, bad]))
    assert set(Announcements(empty_door.db).known().tasks) == {"shop.suma"}


def test_an_outage_is_believed_for_a_second(empty_door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    announcements = Announcements(empty_door.db, clock)
    asked = []

    def away(*_: Any) -> Any:
        asked.append(clock.now)
        raise LedgerUnavailable("OperationalError")

    monkeypatch.setattr("bureau.ledger.dispatch.announced.announced", away)
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            announcements.known()
    assert asked == [100.0]
    monkeypatch.undo()
    clock.now += 1
    assert announcements.known().tasks == {}


def submitted(door: Door, run: str, **task: Any) -> int:
    """The status of the answer to a job of one task, with 1 and 2 for shop.suma."""
    given = {"a": 1, "b": 2} if run == "shop.suma" else {}
    return door.post("/v1/jobs", {"tasks": [{"name": "one", "run": run, "input": given, **task}]}).status_code


def test_a_job_is_accepted_before_any_worker_was_seen_and_waits_for_one(empty_door: Door) -> None:
    deploy(empty_door.db, {"shop": Catalog(tasks=[SUMA]), "bulk": Catalog(tasks=[SUMA])})
    job = empty_door.post("/v1/jobs", {"tasks": [{"name": "one", "run": "shop.suma", "input": {"a": 1, "b": 2}}]})
    assert job.status_code == 202, job.text
    assert empty_door.get(f"/v1/jobs/{job.json()['id']}").json()["waiting"]["reason"] == "no_worker"
    assert submitted(empty_door, "shop.suma", queue="bulk") == 202
    assert submitted(empty_door, "shop.suma", queue="night") == 422
    assert submitted(empty_door, "shop.picture") == 422
    (known,) = empty_door.get("/v1/catalog/tasks").json()["items"]
    assert (known["name"], known["queues"], known["workers"]) == ("shop.suma", ["bulk", "shop"], 0)
    assert empty_door.get("/v1/workers").json()["items"] == []


def test_a_removed_task_is_refused_after_the_next_deployment(empty_door: Door) -> None:
    deploy(empty_door.db, {"shop": Catalog(tasks=[SUMA, PICTURE])})
    assert submitted(empty_door, "shop.picture") == 202
    deploy(empty_door.db, {"shop": Catalog(tasks=[SUMA])})
    until(lambda: submitted(empty_door, "shop.picture") == 422, 30, "it is refused")
    assert submitted(empty_door, "shop.suma") == 202


def test_the_command_announces_what_a_worker_would_and_withdraws_it(empty_door: Door, tmp_path: Path) -> None:
    """In processes: two tasks and Bureau's own mailer, on the queues that are named; and nothing of them later."""

    def ran(*arguments: str) -> list[str]:
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db",
            "STORAGE_URL": f"file://{tmp_path}/storage",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "bureau", "announce", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    said = ran("examples.suma.tasks", "mailer", "--queue", "bulk", "--queue", "night")
    assert said[:1] + said[2:] == ["bulk: 2 tasks", "night: 2 tasks"]
    assert said[1].startswith("mailer: 2 tasks, ")
    assert submitted(empty_door, "shop.suma", queue="night") == 202
    told = ran("--withdraw", "night", "mailer", "shop")
    assert told[:3] == ["night: withdrawn", "mailer: withdrawn", "shop: was not announced"]
    assert told[3].startswith("also announced, until withdrawn: bulk (")
    until(lambda: submitted(empty_door, "shop.suma", queue="night") == 422, 30, "the queue is refused")
    assert submitted(empty_door, "shop.suma", queue="bulk") == 202
