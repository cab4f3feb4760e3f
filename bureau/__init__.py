"""Bureau does background paperwork for applications. `@task` makes a function a task; `Context` is its interface.

`@lifespan` makes a resource that tasks share, and `@on` makes a function a hook. They, and `ArtifactRef`, the type of a
file in an input, are imported on first use, because `bureau.client` and the command `bureau` need none of their
libraries.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bureau.contracts.artifacts import ArtifactRef
    from bureau.lifespans import Lifespan, lifespan
    from bureau.process.hooks import TaskRun, on
    from bureau.task import Context, Task, task

__all__ = ["ArtifactRef", "Context", "Lifespan", "Task", "TaskRun", "lifespan", "on", "task"]

_ELSEWHERE = {
    "Lifespan": "bureau.lifespans",
    "lifespan": "bureau.lifespans",
    "TaskRun": "bureau.process.hooks",
    "on": "bureau.process.hooks",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(_ELSEWHERE.get(name, "bureau.task"))
    except ModuleNotFoundError as missing:
        why = f"{name} needs {missing.name}, which is not installed with the client: pip install 'bureau-jobs[worker]'"
        raise ModuleNotFoundError(why, name=missing.name) from missing
    return getattr(module, name)


class _Package(ModuleType):
    """Keeps `bureau.task` the decorator. Python would replace it with the module of that name at its import."""

    def __setattr__(self, name: str, value: Any) -> None:
        hidden = name == "task" and isinstance(value, ModuleType)
        super().__setattr__(name, value.task if hidden else value)


sys.modules[__name__].__class__ = _Package
