"""Tests a Django project's worker beside the stack: it runs the project's tasks."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.running.processes import ROOT, Process
from tests.support.running.stack import Stack
from tests.support.waiting import until

PROJECT = ROOT / "examples" / "django_shop"
MANAGE = [sys.executable, str(PROJECT / "manage.py")]


def test_a_django_worker_runs_a_project_s_tasks_and_stops_when_asked(stack: Stack, tmp_path: Path) -> None:
    env = {**stack.env, "PYTHONPATH": str(ROOT), "DB": str(tmp_path / "shop.sqlite3"), "BUREAU_URL": stack.api.url}
    subprocess.run([*MANAGE, "migrate", "-v0"], env={**os.environ, **env}, check=True, cwd=PROJECT)
    command = [*MANAGE, "bureau_worker", "--queue", "slow", "--threads", "2"]
    with Process(command, log=tmp_path / "worker.log", env=env, cwd=PROJECT) as worker:
        until(
            lambda: "slow" in {one["service"] for one in stack.api.get("/v1/workers")["items"]},
            60,
            lambda: f"the worker: {worker}",
        )
        given = {"args": [3], "kwargs": {}}
        job = stack.api.run({"name": "task", "run": "slow.shop.tasks.count", "input": given})
        (task,) = stack.api.succeeded(job)["tasks"]
        assert (task["result"], task["progress"]["current"]) == (3, 3)
        assert worker.stop() == 0


def test_a_queue_that_the_project_does_not_have_is_refused_by_name(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT), "DB": str(tmp_path / "shop.sqlite3"), "BROKER_URL": "amqp://127.0.0.1:1"}
    command = [*MANAGE, "bureau_worker", "--queue", "other"]
    with Process(command, log=tmp_path / "worker.log", env=env, cwd=PROJECT) as worker:
        assert worker.wait(60) != 0
        assert "TASKS['default'] has no queue 'other'; it has default, slow" in worker.output()
