"""Tests the worker of a project written for Celery beside the stack: it serves several queues, and stops when asked."""

import os
import subprocess
import sys
from pathlib import Path

from bureau.celery.names import STANDIN
from tests.support.running.processes import ROOT, Process
from tests.support.running.stack import Stack
from tests.support.waiting import until

PROJECT = ROOT / "examples" / "celery_clinic"


def test_a_celery_worker_runs_a_project_s_tasks_and_stops_when_asked(stack: Stack, tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), str(STANDIN)])
    env = {**stack.env, "PYTHONPATH": path, "DB": str(tmp_path / "clinic.sqlite3"), "BUREAU_URL": stack.api.url}
    migrate = [sys.executable, str(PROJECT / "manage.py"), "migrate", "-v0"]
    subprocess.run(migrate, env={**os.environ, **env}, check=True, cwd=PROJECT)
    command = [sys.executable, "-m", "bureau.celery", "-A", "config", "worker", "-Q", "mails,statements", "-c", "2"]
    with Process(command, log=tmp_path / "worker.log", env=env, cwd=PROJECT) as worker:
        until(
            lambda: {"mails", "statements"} <= {one["queue"] for one in stack.api.get("/v1/workers")["items"]},
            60,
            lambda: f"the worker: {worker}",
        )
        tasks = [
            {"name": "weigh", "run": "mails.clinic.tasks.weigh", "input": {"args": [4], "kwargs": {}}},
            {"name": "close", "run": "statements.clinic.tasks.close_day", "input": {"args": [], "kwargs": {}}},
        ]
        job = stack.api.run(*tasks)
        assert {task["result"] for task in stack.api.succeeded(job)["tasks"]} == {8, 0}
        assert worker.stop() == 0
