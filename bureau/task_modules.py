"""Imports the modules that hold a user's tasks, and says in a sentence why one cannot be imported and what to do."""

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Collection
from pathlib import Path

from bureau.settings import SettingsError

_SHOWN = 10


def import_task_modules(names: list[str], named_by: str) -> None:
    """Imports the modules, which declare their tasks. Raises `SettingsError` with a line for each that cannot be.

    `named_by` says where the names were written: `TASKS`.
    """
    errors = [f"{named_by}: {error}" for name in names if (error := _import(name))]
    if errors:
        raise SettingsError(errors)


def refuse_no_tasks(names: list[str], declared: Collection[str], named_by: str) -> None:
    """Raises `SettingsError` if modules are named and none of them declared a task."""
    if names and not declared:
        one = "declares" if len(names) == 1 else "declare"
        raise SettingsError([f"{named_by}: {', '.join(names)} {one} no task. Mark the functions of a task with @task."])


def named_to_dramatiq() -> list[str]:
    """Returns the modules that Dramatiq's command was told to import; none in any other process."""
    program = Path(sys.argv[0])
    if program.stem not in ("dramatiq", "dramatiq-gevent") and program.parent.name != "dramatiq":
        return []
    from dramatiq.cli import make_argument_parser  # here, because only this command needs it

    modules: list[str] = make_argument_parser().parse_known_args(sys.argv[1:])[0].modules
    return modules


def _import(name: str) -> str | None:
    """Imports a module; returns why it cannot be imported."""
    try:
        importlib.import_module(name)
    except SettingsError:
        raise
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return _not_found(name, error.name)
        return f"{_failed(name, error)} Install it for {sys.executable}."
    except Exception as error:  # noqa: BLE001 - whatever the user's module raises while it is imported
        return _failed(name, error)
    return None


def _not_found(name: str, missing: str) -> str:
    package, _, module = missing.rpartition(".")
    if package:
        folders = list(getattr(sys.modules.get(package), "__path__", []))
        there = ", ".join(sorted(one.name for one in pkgutil.iter_modules(folders))[:_SHOWN]) or "none"
        where = f" in {folders[0]}" if folders else ""
        return f"{name} was not found: the package {package}{where} has no module {module}; its modules: {there}."
    return (
        f"{name} was not found (No module named {missing!r}). Start the process in the folder that holds {missing}, or "
        f"name that folder in PYTHONPATH (PYTHONPATH=/path/to/project), or install the package (pip install "
        f"/path/to/project). Python looked in {', '.join(_searched())} and in its installed packages."
    )


def _searched() -> list[str]:
    """Returns the folders of projects that Python searches, without those of its own and of installed packages."""
    own = {Path(folder).resolve() for folder in (sys.prefix, sys.base_prefix)}
    folders = [Path(path).resolve() for path in sys.path]
    shown = [folder for folder in folders if folder.is_dir() and own.isdisjoint({folder, *folder.parents})]
    return list(dict.fromkeys(map(str, shown)))


def _failed(name: str, error: Exception) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    file, line = last.filename, last.lineno
    if isinstance(error, SyntaxError):
        return f"importing {name} failed: {type(error).__name__}: {error}."  # says file and line itself
    return f"importing {name} failed: {type(error).__name__}: {error} ({file}, line {line})."
