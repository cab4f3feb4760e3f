"""`import bureau`: what a task's author writes with, and nothing heavy until it is asked for."""

import subprocess
import sys

import pytest

from tests.support.running.processes import ROOT


def said(code: str) -> str:
    """What a new process that runs this code prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "before",
    [
        "",
        "import bureau.task",
        "from bureau.task import Task",
        "from bureau import Context",
        "import bureau.runtime.runner",
    ],
    ids=repr,
)
def test_task_is_the_decorator_whatever_was_imported_before(before: str) -> None:
    assert said(f"{before}\nfrom bureau import task\nprint(type(task).__name__)") == "function"


def test_the_package_alone_imports_no_library() -> None:
    assert said("import bureau, sys\nprint([name for name in ('pydantic', 'httpx') if name in sys.modules])") == "[]"


HEAVY = ("dramatiq", "sqlalchemy", "pydantic", "pika", "structlog", "obstore", "flask", "alembic", "bureau.services")


@pytest.mark.parametrize("module", ["bureau.client", "bureau.cli.main"])
def test_the_client_and_the_command_need_no_library_of_the_services(module: str) -> None:
    """Nothing of them may be imported, which is as good as not installed."""
    hidden = "class Hidden:\n  def find_spec(self, name, path=None, target=None):\n"
    hidden += f"    if name.startswith({HEAVY!r}): raise ModuleNotFoundError(name, name=name)\n"
    code = f"import sys\n{hidden}sys.meta_path.insert(0, Hidden())\nimport {module}"
    code += "\nprint(sorted(name for name in sys.modules if name.startswith('bureau.') and name.count('.') == 1))"
    known = {
        "bureau.client": "['bureau.client']",
        "bureau.cli.main": "['bureau.cli', 'bureau.client', 'bureau.formatting']",
    }
    assert said(code) == known[module]


def test_a_task_without_its_libraries_says_what_to_install() -> None:
    code = "import sys\nsys.modules['pydantic'] = None\ntry:\n  from bureau import task\nexcept ImportError as error:\n"
    assert "pip install 'bureau-jobs[worker]'" in said(f"{code}  print(error)")


def test_an_unknown_attribute_is_missing() -> None:
    assert said("import bureau\nprint(hasattr(bureau, 'nothing'))") == "False"
