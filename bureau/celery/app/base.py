"""Defines Celery, the app: settings, tasks, and what one does with both."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from bureau.celery import canvas, state
from bureau.celery.app.control import Control
from bureau.celery.app.declare import declaring
from bureau.celery.app.discovery import Discovery
from bureau.celery.app.task import Task
from bureau.celery.canvas import launch
from bureau.celery.canvas.signature import Signature, signature
from bureau.celery.exceptions import NotInBureau
from bureau.celery.result import AsyncResult, EagerResult, GroupResult, ResultSet
from bureau.celery.sending.options import zone
from bureau.celery.settings import Settings, from_environment, source_of
from bureau.celery.signals import Signal


class Celery:
    """Is an app. The last one that a process makes is `current_app`.

    `broker` and `backend` are accepted and have no effect: BUREAU_URL names the gateway.
    """

    Task = Task

    def __init__(
        self,
        main: str | None = None,
        loader: Any = None,
        backend: Any = None,
        broker: Any = None,
        include: Any = None,
        config_source: Any = None,
        namespace: str | None = None,
        task_cls: Any = None,
        set_as_current: bool = True,
        **settings: Any,
    ) -> None:
        self.main = main
        self.conf = Settings()
        self.control = Control(self)
        self.discovery = Discovery()
        self.on_after_configure = Signal("on_after_configure")
        self.on_after_finalize = Signal("on_after_finalize")
        self.pool = self.amqp = self.backend = None
        if include:
            self.conf.include = tuple(include)
        if task_cls is not None:
            if isinstance(task_cls, str):
                raise NotInBureau("Celery(task_cls='…'): pass the class itself")
            self.Task = task_cls
        for name in ("fixups", "autofinalize", "log", "amqp", "events", "tasks", "strict_typing", "changes", "control"):
            settings.pop(name, None)
        self.conf.update(settings)
        if config_source:
            self.config_from_object(config_source, namespace=namespace)
        if set_as_current:
            self.set_current()

    def set_current(self) -> None:
        state.APPS.append(self)

    set_default = set_current

    def config_from_object(
        self, obj: Any, silent: bool = False, force: bool = False, namespace: str | None = None
    ) -> None:
        """Names where the settings are: a module, an object, or `django.conf:settings` with a namespace."""
        self.conf.add_source(source_of(obj, namespace))

    def config_from_envvar(self, variable_name: str, silent: bool = False, force: bool = False) -> None:
        self.config_from_object(from_environment(variable_name))

    def add_defaults(self, fun: Any) -> None:
        """Adds settings that others come before."""
        self.conf.add_source(fun if callable(fun) else partial(dict, fun))

    def autodiscover_tasks(self, packages: Any = None, related_name: str | None = "tasks", force: bool = False) -> None:
        """Has the modules imported in which tasks are, once the app is used: of Django's apps, or of `packages`."""
        self.discovery.add(packages, related_name)
        if force:
            self.discovery.run()

    def task(self, *args: Any, **options: Any) -> Any:
        """Declares a task: `@app.task` or `@app.task(bind=True, …)`."""
        options.pop("shared", None)
        options.pop("lazy", None)
        return declaring(args, options, self)

    def register_task(self, task: Any, **options: Any) -> Any:
        """Declares an instance of a class of tasks."""
        made = task() if isinstance(task, type) else task
        if not made.name:
            kind = type(made)
            made.name = f"{kind.__module__}.{kind.__name__}"
        for name, value in options.items():
            setattr(made, name, value)
        made.app = made.app or self
        return state.register(made)

    @property
    def tasks(self) -> Mapping[str, Any]:
        """Returns the tasks by name, after it imported the modules in which they are."""
        self.load()
        return state.TASKS

    def load(self) -> None:
        """Imports all modules with tasks, and tells the receivers of `on_after_configure` and `on_after_finalize`."""
        if self.discovery.run([*self.conf.imports, *self.conf.include]):
            self.on_after_configure.send(self, source=self.conf)
            self.on_after_finalize.send(self)

    finalize = load

    def send_task(
        self,
        name: str,
        args: Any = None,
        kwargs: Any = None,
        countdown: Any = None,
        eta: Any = None,
        task_id: str | None = None,
        **options: Any,
    ) -> AsyncResult:
        """Submits a task by its name, which this process need not know."""
        options |= {"countdown": countdown, "eta": eta, "task_id": task_id}
        if self.conf.task_always_eager and name in state.TASKS:
            return state.TASKS[name].apply_async(args, kwargs, **options)
        return launch.launch(Signature(name, args, kwargs), options)

    def signature(self, *args: Any, **kwargs: Any) -> Signature:
        return signature(*args, **kwargs)

    def AsyncResult(self, id: str, **_: Any) -> AsyncResult:  # noqa: N802 - Celery's name, as the next
        return AsyncResult(id)

    def GroupResult(self, id: str, results: Any = (), **_: Any) -> GroupResult:  # noqa: N802
        return GroupResult(id, results)

    def ResultSet(self, results: Any, **_: Any) -> ResultSet:  # noqa: N802
        return ResultSet(results)

    chain, group, chord = canvas.chain, canvas.group, canvas.chord
    EagerResult = EagerResult

    def add_periodic_task(
        self, schedule: Any, sig: Any, args: Any = (), kwargs: Any = None, name: str | None = None, **options: Any
    ) -> str:
        """Adds an entry to `beat_schedule`, as receivers of `on_after_configure` do."""
        made = sig.clone(args, kwargs) if isinstance(sig, Signature) else Signature(sig.name, args, kwargs)
        key = name or repr(made)
        entry = {"schedule": schedule, "task": made.task, "args": made.args, "kwargs": made.kwargs}
        entry["options"] = {**made.options, **options}
        self.conf.beat_schedule = {**self.conf.beat_schedule, key: entry}
        return key

    @property
    def current_task(self) -> Any:
        found = state.CURRENT.get()
        return found[0] if found else None

    @property
    def current_worker_task(self) -> Any:
        return self.current_task

    @property
    def timezone(self) -> Any:
        return zone()

    def now(self) -> datetime:
        return datetime.now(zone())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in _REFUSED:
            raise NotInBureau(f"app.{name}: {_REFUSED[name]}")
        raise AttributeError(f"'Celery' object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<Celery {self.main or '__main__'}>"


_COMMAND = "start it by `python -m bureau.celery -A …`"
_BROKER = "Bureau's client has no connection to a broker; see app.control"
_REFUSED = {
    "worker_main": _COMMAND,
    "start": _COMMAND,
    "Worker": _COMMAND,
    "WorkController": _COMMAND,
    "Beat": _COMMAND,
    "connection": _BROKER,
    "connection_for_read": _BROKER,
    "connection_for_write": _BROKER,
    "connection_or_acquire": _BROKER,
    "broker_connection": _BROKER,
    "producer_pool": _BROKER,
    "producer_or_acquire": _BROKER,
    "events": "GET /v1/jobs/{id}/events tells what happens to a job; see docs/events.md",
    "user_options": _COMMAND,
    "steps": "Bureau's worker has no bootsteps; use signals",
    "bugreport": _COMMAND,
    "create_task_cls": "use base=…",
    "setup_security": "Bureau signs no messages, because they carry only an id",
}
