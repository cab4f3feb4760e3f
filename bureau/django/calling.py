"""Calls a Django task in a worker, with the care for database connections that Django takes around requests."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from traceback import format_exception
from typing import Any

from django.db import connections, reset_queries
from django.utils import timezone

from bureau.contracts.errors import PermanentError, TaskError, TransientError
from bureau.django.files.opened import opened
from bureau.django.results import FAILED_CODE, TRACE
from bureau.django.tasks_api import (
    Task,
    TaskContext,
    TaskResult,
    TaskResultStatus,
    normalize_json,
    task_finished,
    task_started,
)
from bureau.django.tasks_api import TaskError as DjangoTaskError
from bureau.task import Context

TRACE_CHARACTERS = 1000  # a log line of Bureau's


class BureauContext(TaskContext):
    """Is Django's context and has Bureau's: `context.bureau.progress(3, 10)`, `.log`, `.artifact`."""

    def __init__(self, *, task_result: TaskResult, bureau: Context) -> None:
        super().__init__(task_result=task_result)
        object.__setattr__(self, "bureau", bureau)


def call(
    sender: type,
    task: Task,
    alias: str,
    ctx: Context,
    args: list[Any],
    kwargs: dict[str, Any],
    *,
    retried: bool = False,
) -> Any:
    """Calls the task's function and returns its result as JSON; sends Django's signals with `sender`.

    An exception of the function fails the job, since Django's tasks are not retried: only Bureau's `TransientError` and
    `Postponed` have it tried again. If the task is `retried`, any exception has.
    """
    result = _started(task, alias, ctx, args, kwargs)
    with _connections(), ExitStack() as files:
        task_started.send(sender, task_result=result)
        try:
            own = (BureauContext(task_result=result, bureau=ctx),) if task.takes_context else ()
            value = normalize_json(task.call(*own, *opened(args, ctx, files), **opened(kwargs, ctx, files)))
        except TaskError as error:
            _finish(sender, result, TaskResultStatus.FAILED, failure=error)
            raise
        except (Exception, SystemExit) as error:  # Django fails a task that exits, and a worker goes on
            _finish(sender, result, TaskResultStatus.FAILED, failure=error)
            ctx.log(_trace(error))
            failure = TransientError if retried else PermanentError
            raise failure(FAILED_CODE, f"{_path(error)}: {error}") from error
        object.__setattr__(result, "_return_value", value)
        _finish(sender, result, TaskResultStatus.SUCCESSFUL)
        return value


def _started(task: Task, alias: str, ctx: Context, args: list[Any], kwargs: dict[str, Any]) -> TaskResult:
    now = timezone.now()
    return TaskResult(
        task=task,
        id=str(ctx.job_id),
        status=TaskResultStatus.RUNNING,
        enqueued_at=None,
        started_at=now,
        finished_at=None,
        last_attempted_at=now,
        args=args,
        kwargs=kwargs,
        backend=alias,
        errors=[],
        worker_ids=[""] * ctx.attempt,
    )


def _finish(
    sender: type, result: TaskResult, status: TaskResultStatus, *, failure: BaseException | None = None
) -> None:
    object.__setattr__(result, "finished_at", timezone.now())
    object.__setattr__(result, "status", status)
    if failure:
        trace = "".join(format_exception(failure))
        result.errors.append(DjangoTaskError(exception_class_path=_path(failure), traceback=trace))
    task_finished.send(sender, task_result=result)


def _path(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _trace(error: BaseException) -> str:
    """Returns the traceback; of a long one its end, which says what happened."""
    trace = "".join(format_exception(error))
    return trace if len(trace) <= TRACE_CHARACTERS else f"{TRACE} … {trace[-TRACE_CHARACTERS + 20 :]}"


@contextmanager
def _connections() -> Iterator[None]:
    """Closes connections that are broken or too old, before and after, as Django does around a request.

    Without that each task fails after the database has cut its connections. One with an open transaction is a test's.
    """
    reset_queries()
    _close_old()
    try:
        yield
    finally:
        _close_old()


def _close_old() -> None:
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
