"""Gives the name `celery` to `bureau.celery`, so that code written for Celery runs as it is.

`install` does it for a process. The folder `standin` does it for all: where it is on PYTHONPATH, `import celery` finds
a module there that calls `install`.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

NAME, OURS = "celery", "bureau.celery"
STANDIN = Path(__file__).with_name("standin")
PUBLIC = {  # what projects import from Celery, and where it is here
    "app": "app",
    "app.base": "app.base",
    "app.control": "app.control",
    "app.task": "app.task",
    "canvas": "canvas",
    "exceptions": "exceptions",
    "result": "result",
    "schedules": "schedules",
    "signals": "signals",
    "states": "states",
    "utils": "utils",
    "utils.log": "utils.log",
}
REFUSED = {
    "backends": "results are in Bureau's ledger; use celery.result.AsyncResult",
    "beat": "Bureau's scheduler keeps the schedules: python -m bureau.celery -A … schedules",
    "bin": "use python -m bureau.celery",
    "bootsteps": "Bureau's worker has no bootsteps; use celery.signals",
    "concurrency": "Bureau's worker runs def tasks on threads and async def tasks on an event loop",
    "contrib": "use task_always_eager in tests, or bureau.testing; self.request.bureau.stop asks whether to abort",
    "events": "GET /v1/jobs/{id}/events tells what happens; see docs/events.md",
    "loaders": "use app.config_from_object and app.autodiscover_tasks",
    "security": "Bureau signs no messages, because they carry only an id",
    "task": "Celery 5 has no celery.task either; use from celery import shared_task",
    "worker": "use python -m bureau.celery -A … worker, and celery.signals",
}


class Aliases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports `celery.x` as `bureau.celery.x`: one module with two names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(f"{NAME}."):
            return None
        name = fullname.removeprefix(f"{NAME}.")
        if name not in PUBLIC:
            instead = REFUSED.get(name.partition(".")[0], "it is none of the names that docs/celery.md lists")
            raise ModuleNotFoundError(f"Bureau has no {fullname}: {instead}", name=fullname)
        return importlib.util.spec_from_loader(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return importlib.import_module(f"{OURS}.{PUBLIC[spec.name.removeprefix(f'{NAME}.')]}")

    def exec_module(self, module: ModuleType) -> None:
        """Gives the module its own specification back: it was executed under its own name."""
        module.__spec__ = importlib.machinery.PathFinder.find_spec(module.__name__, _path_of_parent(module.__name__))


def _path_of_parent(name: str) -> Sequence[str]:
    return list(sys.modules[name.rpartition(".")[0]].__path__)


def install() -> None:
    """Makes `import celery` find `bureau.celery` in this process. Raises `ImportError` if it has found another one."""
    known = sys.modules.get(NAME)
    ours = importlib.import_module(OURS)
    if known is ours:
        return
    if known is not None and Path(str(known.__file__)).parent != STANDIN:
        raise ImportError(f"celery was imported from {known.__file__} before; install the name earlier")
    sys.meta_path.insert(0, Aliases())
    sys.modules[NAME] = ours
