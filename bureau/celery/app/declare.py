"""Makes tasks of functions: what `@app.task` and `@shared_task` do."""

import sys
from collections.abc import Callable
from typing import Any

from bureau.celery import state
from bureau.celery.app.task import Task


def declared(function: Callable[..., Any], options: dict[str, Any], app: Any = None) -> Task:
    """Returns the task of a function. Raises `NotInBureau` for an option that would not be honoured."""
    base = options.pop("base", None) or getattr(app, "Task", None) or Task
    bind = bool(options.pop("bind", False))
    name = options.pop("name", None) or name_of(function, app)
    known = state.TASKS.get(name)
    if known is not None and known.__wrapped__ is function:
        return known
    attributes: dict[str, Any] = {
        "name": name,
        "bind": bind,
        "app": app,
        "abstract": False,
        "run": function if bind else staticmethod(function),
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__wrapped__": staticmethod(function),
        "__name__": function.__name__,
        **options,
    }
    kind = type(function.__name__, (base,), attributes)
    return state.register(kind())


def name_of(function: Callable[..., Any], app: Any = None) -> str:
    """Returns the name that Celery gives a function's task: its module and its name."""
    module = function.__module__
    if module == "__main__":
        module = (app and app.main) or _main_module() or module
    return f"{module}.{function.__name__}"


def _main_module() -> str | None:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name if spec else None


def declaring(args: Any, options: dict[str, Any], app: Any = None) -> Any:
    """Returns the task, if the decorator was used without arguments, else a decorator."""
    if len(args) == 1 and callable(args[0]):
        return declared(args[0], dict(options), app)
    if args:
        raise TypeError(f"@task() takes exactly 1 argument ({len(args)} given)")
    return lambda function: declared(function, dict(options), app)


def shared_task(*args: Any, **options: Any) -> Any:
    """Declares a task of whichever app the process has: `@shared_task` or `@shared_task(bind=True, …)`."""
    return declaring(args, options)
