"""A service of a user's cannot have the name of a service of Bureau's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bureau.service import SHIPPED, refuse_shipped_names
from bureau.settings import SettingsError
from tests.support.running.processes import ROOT


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_shipped_name_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        refuse_shipped_names(["shop", name])


def test_any_other_name_is_taken() -> None:
    refuse_shipped_names(["shop", "mailers", "gateway"])


def test_a_worker_for_tasks_of_a_shipped_name_is_refused(tmp_path: Path) -> None:
    code = """
from bureau import Context, task
from bureau.settings import SettingsError

@task("mailer.greet")
def greet(ctx: Context) -> None:
    pass

from bureau.worker import declared_service
try:
    declared_service(None)
except SettingsError as error:
    print(error)
"""
    settings = {"BROKER_URL": "amqp://localhost", "DATABASE_URL": f"sqlite:///{tmp_path}/bureau.db"}
    environment = {**os.environ, **settings, "STORAGE_URL": f"file://{tmp_path}/storage", "PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert "mailer: this is the name of a service of Bureau's" in found.stdout, found.stderr
