"""Modules with a user's tasks: what is said of one that cannot be imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bureau.settings import SettingsError
from bureau.task_modules import import_task_modules, named_to_dramatiq, refuse_no_tasks
from tests.support.running.processes import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a package `bakery`, which Python finds."""
    package = tmp_path / "bakery"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tasks.py").write_text("BREAD = 1\n")
    (package / "needs.py").write_text("\nimport flour_of_nobody\n")
    (package / "wrong.py").write_text("x = 1\ndef x(:\n")
    (package / "raises.py").write_text("x = 1\n\nx / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "bakery"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def refused(*names: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        import_task_modules(list(names), "TASKS")
    return error.value.errors


def test_modules_that_are_there_are_imported(project: Path) -> None:
    import_task_modules(["bakery.tasks"], "TASKS")
    assert sys.modules["bakery.tasks"].BREAD == 1


def test_modules_without_a_task_are_refused_because_nobody_could_submit_one() -> None:
    refuse_no_tasks([], {}, "TASKS")
    refuse_no_tasks(["bakery.tasks"], {"bakery.bake": 1}, "TASKS")
    with pytest.raises(SettingsError, match=r"TASKS: bakery.tasks declares no task. Mark the functions"):
        refuse_no_tasks(["bakery.tasks"], {}, "TASKS")


def test_a_module_that_is_not_found_is_named_with_the_three_ways_to_find_it(project: Path) -> None:
    (told,) = refused("florist.tasks")
    assert told.startswith("TASKS: florist.tasks was not found (No module named 'florist').")
    for way in ("Start the process in the folder that holds florist", "PYTHONPATH=", "pip install"):
        assert way in told
    assert str(project) in told.partition("Python looked in ")[2]
    assert "site-packages" not in told


def test_a_module_that_its_package_lacks_is_named_with_those_it_has(project: Path) -> None:
    (told,) = refused("bakery.task")
    assert told == (
        f"TASKS: bakery.task was not found: the package bakery in {project / 'bakery'} has no module task; "
        "its modules: needs, raises, tasks, wrong."
    )


def test_a_module_that_cannot_be_imported_is_named_with_the_reason_and_the_line(project: Path) -> None:
    needs, wrong, raises = refused("bakery.needs", "bakery.wrong", "bakery.tasks", "bakery.raises")
    file = project / "bakery" / "needs.py"
    assert needs == (
        "TASKS: importing bakery.needs failed: ModuleNotFoundError: No module named 'flour_of_nobody' "
        f"({file}, line 2). Install it for {sys.executable}."
    )
    assert wrong.startswith("TASKS: importing bakery.wrong failed: SyntaxError: ")
    assert "wrong.py, line 2" in wrong
    assert raises.endswith(f"ZeroDivisionError: division by zero ({project / 'bakery' / 'raises.py'}, line 3).")


def test_only_dramatiqs_command_names_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named_to_dramatiq() == []
    for program in ("/usr/bin/dramatiq", "/lib/dramatiq/__main__.py"):
        monkeypatch.setattr(sys, "argv", [program, "bureau.worker", "shop.tasks", "more.tasks", "--processes", "1"])
        assert named_to_dramatiq() == ["shop.tasks", "more.tasks"]


def test_a_worker_whose_module_is_not_found_says_so_and_ends(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dramatiq", "bureau.worker", "florist.tasks", "--processes", "1", "--skip-logging"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "BROKER_URL": "amqp://nobody:secret@127.0.0.1:9/",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/no",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "dramatiq: florist.tasks was not found (No module named 'florist')." in done.stderr
    assert "Traceback" not in done.stderr
