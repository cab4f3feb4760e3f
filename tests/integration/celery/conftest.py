"""A Bureau in one process that runs the tasks of `worker_app`, and the same names in this process, to call them."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bureau.celery import Celery, names, state
from bureau.celery.sending import gateway
from tests.support.celery.same_tasks import declared
from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT

PROJECT = ROOT / "examples" / "celery_clinic"
MANAGE = [sys.executable, str(PROJECT / "manage.py")]


@dataclass(frozen=True)
class Clinic:
    """Holds the Bureau, and the environment of the project's processes."""

    bureau: EmbeddedBureau
    env: dict[str, str]

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """Runs a command of the project's, and returns what it prints."""
        return self.run([*MANAGE, *arguments], stdin)

    def run(self, command: list[str], stdin: str = "") -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.env},
            cwd=PROJECT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder: Path = tmp_path_factory.mktemp("celery")
    env = {
        "DB": str(folder / "clinic.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(PROJECT), str(names.STANDIN)]),
    }
    started = {"TASKS": "bureau.celery.worker", "BUREAU_CELERY_APP": "tests.integration.celery.worker_app"}
    with EmbeddedBureau(folder / "bureau", env={**env, **started}) as bureau:
        env["BUREAU_URL"] = bureau.api.url
        clinic = Clinic(bureau, env)
        clinic.manage("migrate", "-v0")
        bureau.start()
        yield clinic


@pytest.fixture
def app(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """An app of this process that knows no task; the process forgets it afterwards."""
    monkeypatch.setenv("BUREAU_URL", clinic.bureau.api.url)
    monkeypatch.setattr(gateway, "_django_settings", lambda: None)  # of another project, whose tests ran before
    apps, tasks = list(state.APPS), dict(state.TASKS)
    state.APPS.clear()
    state.TASKS.clear()
    yield Celery("calls", task_track_started=True)
    state.APPS[:] = apps
    state.TASKS.clear()
    state.TASKS.update(tasks)


@pytest.fixture
def same(app: Celery) -> Any:
    return declared(importlib.import_module("bureau.celery"), app)
