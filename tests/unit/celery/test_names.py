"""Tests how the name `celery` is given to Bureau's names, and what it refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bureau.celery.names import PUBLIC, STANDIN
from tests.support.running.processes import ROOT

CHECK = f"""
import sys
import celery, bureau.celery
from celery import Celery, chain, current_app, shared_task
assert celery is bureau.celery
for name in {sorted(PUBLIC)!r}:
    assert __import__("importlib").import_module("celery." + name) is sys.modules["bureau.celery." + name], name
from celery.exceptions import Retry
assert Retry is bureau.celery.exceptions.Retry
try:
    import celery.contrib.pytest
except ModuleNotFoundError as error:
    print(error)
"""


def run(code: str, path: list[Path]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


def test_on_pythonpath_the_folder_gives_the_name_to_all_modules_and_refuses_others_by_name() -> None:
    done = run(CHECK, [STANDIN, ROOT])
    assert done.returncode == 0, done.stderr
    assert "Bureau has no celery.contrib: use task_always_eager" in done.stdout


def test_a_process_that_has_imported_celery_is_told_so() -> None:
    done = run("import celery\nfrom bureau.celery.names import install\ninstall()", [ROOT])
    assert "celery was imported from" in done.stderr


def test_the_command_prints_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    from bureau.celery.__main__ import main

    assert main(["path"]) == 0
    assert Path(capsys.readouterr().out.strip(), "celery.py").is_file()


def test_it_is_not_installed_beside_celery(capsys: pytest.CaptureFixture[str]) -> None:
    from bureau.celery.__main__ import main

    assert main(["install"]) == 1
    assert "pip uninstall celery" in capsys.readouterr().err
