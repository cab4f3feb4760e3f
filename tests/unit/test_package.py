"""`import bureau`: what a task's author writes with, and nothing heavy until it is asked for."""

import subprocess
import sys

import pytest

from tests.support.processes import ROOT


def said(code: str) -> str:
    """What a new process that runs this code prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "before",
    ["", "import bureau.task", "from bureau.task import Task", "from bureau import Context", "import bureau.runner"],
    ids=repr,
)
def test_task_is_the_decorator_whatever_was_imported_before(before: str) -> None:
    assert said(f"{before}\nfrom bureau import task\nprint(type(task).__name__)") == "function"


def test_the_package_alone_imports_no_library() -> None:
    assert said("import bureau, sys\nprint([name for name in ('pydantic', 'httpx') if name in sys.modules])") == "[]"


def test_what_is_not_there_is_said_to_be_missing() -> None:
    assert said("import bureau\nprint(hasattr(bureau, 'nothing'))") == "False"
