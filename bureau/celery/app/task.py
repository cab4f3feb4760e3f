"""Defines Task, the class of all tasks: its options, and the ways to call it."""

import inspect
from functools import cached_property
from typing import Any

from bureau.celery import state
from bureau.celery.app import eager
from bureau.celery.app.options import check_declaration
from bureau.celery.app.reporting import report
from bureau.celery.app.request import Context, running
from bureau.celery.app.retrying import most_retries
from bureau.celery.canvas import chunks, launch, xmap, xstarmap
from bureau.celery.canvas.signature import Signature
from bureau.celery.exceptions import MaxRetriesExceededError, NotInBureau, Retry
from bureau.celery.results.eager import EagerResult
from bureau.celery.results.result import AsyncResult
from bureau.celery.sending.gateway import on_commit


class Task:
    """Is a task. `@app.task` and `@shared_task` make a subclass of it, or of `base`, with the function as `run`."""

    MaxRetriesExceededError = MaxRetriesExceededError

    name: str = ""
    bind = False
    typing = True
    max_retries: int | None = 3
    default_retry_delay: float = 180
    autoretry_for: Any = ()
    dont_autoretry_for: Any = ()
    retry_kwargs: Any = None
    retry_backoff: Any = False
    retry_backoff_max: int = 600
    retry_jitter = True
    rate_limit: Any = None
    ignore_result: bool | None = None
    track_started: bool | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    queue: str | None = None
    priority: int | None = None
    expires: Any = None
    serializer: Any = None
    acks_late: bool | None = None  # it is always so in Bureau, as the next
    reject_on_worker_lost: bool | None = None
    throws: Any = ()
    trail = True
    abstract = True
    app: Any = None
    backend: Any = None
    __wrapped__: Any = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("Tasks must define the run method.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function in this process, as any function.

        A `__call__` of a project's own class that calls this one leaves the request of the worker as it is.
        """
        current = self.request
        if not current.called_directly and not current.called_once:
            current.called_once = True
            return self.run(*args, **kwargs)
        with running(self, Context(args=args, kwargs=kwargs, task=self.name)):
            return self.run(*args, **kwargs)

    @property
    def has_own_call(self) -> bool:
        """Returns whether a project's class defines `__call__`, which then runs in place of `run`."""
        return type(self).__call__ is not Task.__call__

    @property
    def request(self) -> Context:
        """Returns the call that runs; outside of one an empty one."""
        current = state.CURRENT.get()
        return current[1] if current is not None and current[0] is self else Context()

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Submits the task."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: Any = None,
        kwargs: Any = None,
        task_id: str | None = None,
        producer: Any = None,
        link: Any = None,
        link_error: Any = None,
        shadow: str | None = None,
        **options: Any,
    ) -> Any:
        """Submits the task with options, and returns its result. Raises `TypeError` for arguments that do not fit."""
        args, kwargs = tuple(args or ()), dict(kwargs or {})
        if self.typing:
            self.check_arguments(*args, **kwargs)
        options |= {"task_id": task_id, "link": link, "link_error": link_error, "shadow": shadow}
        if state.conf().task_always_eager:
            return eager.applied_as_sent(self, args, kwargs, options)
        return launch.launch(Signature(self.name, args, kwargs), options)

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Submits the task with Django's open transaction; with an outbox `delay` does so too."""
        self.apply_async_on_commit(args, kwargs)

    def apply_async_on_commit(self, *args: Any, **kwargs: Any) -> None:
        """Submits the task as `apply_async` does, with the open transaction of Django's."""
        on_commit(lambda: self.apply_async(*args, **kwargs))

    def apply(
        self,
        args: Any = None,
        kwargs: Any = None,
        link: Any = None,
        link_error: Any = None,
        task_id: str | None = None,
        retries: int = 0,
        throw: bool | None = None,
        **options: Any,
    ) -> EagerResult:
        """Runs the task now, in this process, and returns its result."""
        return eager.applied(
            self,
            tuple(args or ()),
            dict(kwargs or {}),
            task_id=task_id,
            retries=retries,
            throw=throw,
            link=link,
            link_error=link_error,
            headers=options.get("headers"),
        )

    @cached_property
    def _parameters(self) -> inspect.Signature:
        return inspect.signature(self.run)

    def check_arguments(self, *args: Any, **kwargs: Any) -> None:
        """Raises `TypeError` for arguments that the function does not take, before the task is submitted."""
        try:
            self._parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: Any = None,
        throw: bool = True,
        eta: Any = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Any:
        """Raises `Retry`, by which the task runs again; `exc`, or `MaxRetriesExceededError`, if none are left."""
        request = self.request
        if request.called_directly:
            raise exc or Retry("Task can be retried", None)
        if args is not None or kwargs is not None or not throw or any(options.values()):
            raise NotInBureau(
                "self.retry with args, kwargs, throw=False or options such as queue: Bureau repeats a task as it was "
                "submitted; call apply_async(…) and return instead"
            )
        limit = most_retries(self.max_retries if max_retries is None else max_retries)
        if request.retries >= limit:
            raise exc or MaxRetriesExceededError(
                f"Can't retry {self.name}[{request.id}] args:{request.args} kwargs:{request.kwargs}",
                task_args=request.args,
                task_kwargs=request.kwargs,
            )
        when = eta or (self.default_retry_delay if countdown is None else countdown)
        raise Retry(exc=exc, when=when, is_eager=request.is_eager)

    def update_state(self, task_id: str | None = None, state: str | None = None, meta: Any = None, **_: Any) -> None:
        """Sets a state of the task's own, with any JSON, which `AsyncResult.state` and `.info` return while it runs."""
        request = self.request
        if task_id is not None and task_id != request.id:
            raise NotInBureau("update_state(task_id=…): in Bureau only the task that runs says how far it is")
        if request.bureau is not None:
            report(request, state, meta)

    def signature(self, args: Any = None, *starargs: Any, **starkwargs: Any) -> Signature:
        return Signature(self.name, args, *starargs, **starkwargs)

    subtask = signature

    def s(self, *args: Any, **kwargs: Any) -> Signature:
        """Returns a call of this task that is not made yet."""
        return Signature(self.name, args, kwargs)

    def si(self, *args: Any, **kwargs: Any) -> Signature:
        """Returns such a call that takes no result of others."""
        return Signature(self.name, args, kwargs, immutable=True)

    def AsyncResult(self, task_id: str, **kwargs: Any) -> AsyncResult:  # noqa: N802 - Celery's name
        return AsyncResult(task_id, task_name=self.name)

    map = xmap
    starmap = xstarmap
    chunks = chunks

    def replace(self, sig: Any) -> Any:
        raise NotInBureau("self.replace: Bureau has no such thing; call sig.delay() and return, or write a chain")

    def add_to_chord(self, sig: Any, lazy: bool = False) -> Any:
        raise NotInBureau("self.add_to_chord: a chord's header is known when it starts; write a chain of two chords")

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Is called before the task starts."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        """Is called after the task succeeded."""

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Is called when the task is to run again."""

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Is called after the task failed."""

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Is called after the task succeeded or failed."""

    def __init__(self) -> None:
        check_declaration(self)

    def __reduce__(self) -> Any:
        return _of_name, (self.name,)

    def __repr__(self) -> str:
        return f"<@task: {self.name}>"


def _of_name(name: str) -> Any:
    return state.TASKS[name]
