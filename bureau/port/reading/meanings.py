"""Names the things of Celery that an expression may stand for, and what comes of calling one.

`@app`, `@task`, `@canvas` and `@result` are an app, a task, a signature or several, and a result, whatever their names.
`@Task` is the class of tasks, `@factory` a function of the project that makes tasks, and `@maker` what `shared_task(…)`
returns: something that makes a task of a function. Everything else of Celery keeps its name.
"""

CELERY = ("celery", "bureau.celery")

_SAME = {
    "celery.app.Celery": "celery.Celery",
    "celery.app.base.Celery": "celery.Celery",
    "celery.current_app": "@app",
    "celery._state.current_app": "@app",
    "celery.app.default_app": "@app",
    "celery.current_task": "@task",
    "celery._state.current_task": "@task",
    "celery.Task": "@Task",
    "celery.app.task.Task": "@Task",
    "celery.task.Task": "@Task",
    "celery.task.base.Task": "@Task",
    "celery.contrib.django.task.DjangoTask": "@Task",
    "celery.app.shared_task": "celery.shared_task",
    "celery.execute.send_task": "@app.send_task",
    "celery.app.control.Control": "@app.control",
    "@app.Task": "@Task",
    "@app.AsyncResult": "celery.result.AsyncResult",
    "@app.GroupResult": "celery.result.GroupResult",
    "@app.ResultSet": "celery.result.ResultSet",
    "@task.AsyncResult": "celery.result.AsyncResult",
    "@task.app": "@app",
    "@result.app": "@app",
    "@task.backend": "@app.backend",
    "@result.backend": "@app.backend",
    "@app.current_task": "@task",
    "@app.current_worker_task": "@task",
    "@app.signature": "celery.signature",
    "@app.chain": "celery.chain",
    "@app.group": "celery.group",
    "@app.chord": "celery.chord",
    "celery.subtask": "celery.signature",
    "celery.maybe_signature": "celery.signature",
    "@task.subtask": "@task.signature",
    "celery.canvas.Signature": "celery.signature",
    "celery.Signature": "celery.signature",
    "celery.group.apply_async": "@canvas.apply_async",
    "celery.backends.base.DisabledBackend": "celery.backends",
    "celery.task.control.revoke": "@app.control.revoke",
    "celery.task.control.inspect": "@app.control.inspect",
    "celery.app.control.Inspect": "@app.control.inspect",
    "celery.schedules.schedule": "celery.schedules.schedule",
}

FACTORIES = frozenset(
    {
        "celery.shared_task",
        "@app.task",
        "celery.task",
        "celery.task.task",
        "celery.decorators.task",
        "celery.task.periodic_task",
        "celery.decorators.periodic_task",
    }
)

_CALLED = {
    "celery.Celery": "@app",
    "@makes_app": "@app",
    "@makes_task": "@task",
    "@Task": "@task",
    "@maker": "@task",
    "@app.register_task": "@task",
    "@app.tasks.get": "@task",
    "@app._get_current_object": "@app",
    "@app.send_task": "@result",
    "@app.control.inspect": "@inspect",
    "celery.app.app_or_default": "@app",
    "@canvas": "@result",
    "@app.conf.get": None,
    **{f"celery.{name}": "@canvas" for name in ("signature", "chain", "group", "chord", "chunks", "xmap", "xstarmap")},
    **{f"@task.{name}": "@canvas" for name in ("s", "si", "signature", "chunks", "map", "starmap")},
    **{f"@canvas.{name}": "@canvas" for name in ("set", "clone", "on_error", "link", "link_error")},
    **{f"@{one}.{name}": "@result" for one in ("task", "canvas") for name in ("delay", "apply_async", "apply")},
    **{f"@task.{name}": "@result" for name in ("delay_on_commit", "apply_async_on_commit")},
    **{f"celery.result.{name}": "@result" for name in ("AsyncResult", "GroupResult", "ResultSet", "EagerResult")},
    "celery.result.GroupResult.restore": "@result",
    "celery.utils.log.get_task_logger": None,
}


def normal(name: str) -> str:
    """Returns the one name of things that Celery offers under several; that of the names layer counts as Celery's."""
    if name.startswith("bureau.celery"):
        name = name.removeprefix("bureau.")
    if name.startswith("celery.canvas."):
        name = "celery." + name.removeprefix("celery.canvas.")
    name = _SAME.get(name, name)
    for prefix, other in _PREFIXES:
        if name.startswith(prefix):
            return normal(other + name.removeprefix(prefix))
    return name


_PREFIXES = tuple((f"{name}.", f"{other}.") for name, other in _SAME.items() if other.startswith("@") and name != other)


def is_celery(name: str) -> bool:
    """Tells whether a whole name is one of Celery's or of its names layer."""
    return any(name == root or name.startswith(f"{root}.") for root in CELERY)


def called(meaning: str | None, *, with_function: bool = False) -> str | None:
    """Returns what a call gives. `with_function` says that its first argument is a function, not an option."""
    if meaning is None:
        return None
    if meaning in FACTORIES:
        return "@task" if with_function else "@maker"
    if meaning == "@factory":
        return "@task" if with_function else "@factory"
    return _CALLED.get(meaning)


def attribute(meaning: str, name: str) -> str | None:
    """Returns what an attribute stands for."""
    if meaning in ("@factory", "@maker", "@makes_app", "@makes_task"):
        return None
    return normal(f"{meaning}.{name}")
