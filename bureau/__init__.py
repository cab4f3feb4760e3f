"""Bureau: background paperwork for applications. `@task` makes a function a task; `Context` is its way out.

They are imported when first asked for: `bureau.client` and the `bureau` command need none of the libraries behind them.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bureau.task import Context, Task, task

__all__ = ["Context", "Task", "task"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        declared = importlib.import_module("bureau.task")
    except ModuleNotFoundError as missing:
        why = f"{name} needs {missing.name}, which the client alone does without: pip install 'bureau-jobs[worker]'"
        raise ModuleNotFoundError(why, name=missing.name) from missing
    return getattr(declared, name)


class _Package(ModuleType):
    """`bureau.task` is the decorator, though a module has the name too: its import would put the module there."""

    def __setattr__(self, name: str, value: Any) -> None:
        hidden = name == "task" and isinstance(value, ModuleType)
        super().__setattr__(name, value.task if hidden else value)


sys.modules[__name__].__class__ = _Package
