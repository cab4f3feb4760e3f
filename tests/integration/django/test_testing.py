"""Tests what a project's tests stand on: `manage.py test` and pytest in the shop, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running.processes import ROOT

PROJECT = ROOT / "examples" / "django_shop"
WITHOUT_PYTEST = "raise ImportError('pytest is not installed here')\n"
CONFTEST = """
import django
import pytest
from django.db import transaction
from django.test.utils import setup_databases, teardown_databases

django.setup()
pytest_plugins = ["bureau.django.testing.fixtures"]


@pytest.fixture(scope="session")
def database():  # as pytest-django makes it
    made = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(made, verbosity=0)


@pytest.fixture
def db(database):
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def transactional_db(database):
    yield
"""
TESTS = """
from shop.models import Order
from shop.tasks import receipt, remind


def test_tasks_run_in_the_test_s_transaction(bureau_tasks):
    order = Order.objects.create(customer="Ada", total=5)
    receipt.enqueue(order.pk)
    assert [one.args for one in bureau_tasks.enqueued()] == [[order.pk]]
    (result,) = bureau_tasks.run()
    order.refresh_from_db()
    assert order.receipt == result.return_value == "Ada paid 5.00."


def test_nothing_is_left_of_the_test_before(bureau_tasks):
    assert bureau_tasks.enqueued() == []
    assert not Order.objects.exists()
"""
LIVE = """
from shop.tasks import remind


def test_a_real_bureau_runs_tasks(bureau_live):
    result = remind.enqueue("Ada")
    bureau_live.get(result.id).wait(60)
    result.refresh()
    assert result.return_value == "Hello Ada"
"""


def ran(folder: Path, *command: str, path: tuple[Path, ...] = ()) -> str:
    """Runs a command in the shop and returns what it said; it must succeed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BUREAU_", "DJANGO_", "PYTEST_"))}
    env |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DB": str(folder / "shop.sqlite3"),
        "PYTHONPATH": os.pathsep.join(map(str, [*path, ROOT, PROJECT])),
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=PROJECT, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("module", ["test_orders", pytest.param("test_live", marks=pytest.mark.long)])
def test_manage_py_test_needs_no_pytest(tmp_path: Path, module: str) -> None:
    (tmp_path / "pytest.py").write_text(WITHOUT_PYTEST)
    said = ran(tmp_path, "manage.py", "test", "--noinput", f"shop.tests.{module}", path=(tmp_path,))
    assert "\nOK\n" in said
    assert "request_id=" not in said  # no log line of each request among the runner's dots


@pytest.mark.parametrize("tests", [TESTS, pytest.param(LIVE, marks=pytest.mark.long)], ids=["recorded", "live"])
def test_the_fixtures_of_pytest(tmp_path: Path, tests: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_shop.py").write_text(tests)
    said = ran(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path))
    assert " passed" in said
    assert "failed" not in said
