"""Runs what `celery -A config …` runs: `python -m bureau.celery -A config worker -Q celery,slow`."""

import argparse
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bureau.celery import names
from bureau.celery.exceptions import CeleryError
from bureau.client import BureauError

PTH = "bureau-celery.pth"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (CeleryError, BureauError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bureau.celery", description=__doc__)
    parser.add_argument("-A", "--app", default=os.environ.get("BUREAU_CELERY_APP", ""), help="the app, such as config")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    worker = commands.add_parser("worker", help="runs a worker of one or more queues")
    worker.add_argument("-Q", "--queues", default="", help="queues with commas between them; all without it")
    worker.add_argument("-c", "--concurrency", default="8", help="how many tasks a process runs at once, on threads")
    worker.add_argument("--processes", default="1")
    worker.set_defaults(run=_worker)

    schedules = commands.add_parser("schedules", help="saves beat_schedule as Bureau's schedules, after each deploy")
    schedules.add_argument("--database", action="store_true", help="those of django-celery-beat's tables instead")
    schedules.set_defaults(run=_schedules)

    path = commands.add_parser("path", help="prints the folder for PYTHONPATH in which `import celery` finds Bureau")
    path.set_defaults(run=_path)
    install = commands.add_parser("install", help="has `import celery` find Bureau in this Python environment")
    install.set_defaults(run=_install)
    uninstall = commands.add_parser("uninstall", help="takes that back")
    uninstall.set_defaults(run=_uninstall)
    return parser


def _worker(options: argparse.Namespace) -> int:
    """Replaces this process by the worker's command."""
    os.environ |= {"BUREAU_CELERY_APP": options.app, "BUREAU_CELERY_QUEUES": options.queues}
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "bureau", "worker", "bureau.celery.worker"]
    command += ["--threads", options.concurrency, "--processes", options.processes]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - the arguments are those of this command, and no shell reads them


def _schedules(options: argparse.Namespace) -> int:
    """Saves the schedules, and returns 1 if one could not be saved."""
    names.install()
    from bureau.celery.beat.saving import save
    from bureau.celery.running.found_app import found_app

    app = found_app(options.app)
    app.load()
    if options.database:
        saved = save(_in_database())
    else:
        saved = save((name, entry, True) for name, entry in app.conf.beat_schedule.items())
    for name in saved.names:
        print(f"saved {name}")
    for name, why in saved.refused.items():
        print(f"not saved {name}: {why}", file=sys.stderr)
    return 1 if saved.refused else 0


def _in_database() -> list[tuple[str, dict[str, Any], bool]]:
    """Returns the entries of django-celery-beat's tables. Raises `CeleryError` where they are not there."""
    from django.db import Error, connection

    from bureau.celery.beat.django_tables import entries

    try:
        return list(entries(connection))
    except Error as error:
        raise CeleryError(f"django-celery-beat's tables cannot be read: {error}") from error


def _path(_options: argparse.Namespace) -> int:
    print(names.STANDIN)
    return 0


def _install(_options: argparse.Namespace) -> int:
    """Adds the folder to the modules' path of this environment, by a .pth file. Refuses beside Celery."""
    found = importlib.util.find_spec("celery")
    if found and found.origin and Path(found.origin).parent != names.STANDIN:
        print(f"Celery is installed in {found.origin}: pip uninstall celery, then repeat this.", file=sys.stderr)
        return 1
    _pth().write_text(f"{names.STANDIN}\n")
    print(f"`import celery` finds Bureau now; {_pth()} says so.")
    return 0


def _uninstall(_options: argparse.Namespace) -> int:
    _pth().unlink(missing_ok=True)
    return 0


def _pth() -> Path:
    return Path(sysconfig.get_paths()["purelib"]) / PTH


if __name__ == "__main__":
    sys.exit(main())
