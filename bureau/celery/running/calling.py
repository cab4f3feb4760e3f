"""Makes Bureau's tasks of Celery's, for a worker to run."""

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

from bureau.celery import state
from bureau.celery.app.eager import function_of
from bureau.celery.app.request import running
from bureau.celery.exceptions import SoftTimeLimitExceeded
from bureau.celery.running.attempt import Attempt
from bureau.celery.running.connections import close_old, close_old_of_coroutines
from bureau.celery.running.errback import call_errback
from bureau.celery.sending.naming import run_name
from bureau.contracts.errors import Stopped
from bureau.task import Context
from bureau.task import Task as BureauTask

ATTEMPTS_AT_MOST = 100  # Bureau's; how often a task is tried again is decided here, as Celery decides it
BASE_SECONDS = 0.01  # what Bureau adds to a pause at most
TIME_LIMIT_SECONDS = 86_400.0  # of a task without one, as it has none in Celery


def bureau_task(task: Any, queue: str) -> BureauTask[..., Any]:
    """Returns what a worker of this queue runs for a task. A task is sent to any queue, so each has all of them."""
    run: Any
    if inspect.iscoroutinefunction(inspect.unwrap(task.run)):

        async def run(
            ctx: Context, args: list[Any], kwargs: dict[str, Any], celery: dict[str, Any] | None = None
        ) -> Any:
            return await _call_async(task, ctx, args, kwargs, celery or {})

    else:

        def run(ctx: Context, args: list[Any], kwargs: dict[str, Any], celery: dict[str, Any] | None = None) -> Any:
            return _call(task, ctx, args, kwargs, celery or {})

    run.__doc__ = task.__doc__
    limit = task.time_limit or state.conf().task_time_limit or TIME_LIMIT_SECONDS
    return BureauTask(
        run_name(queue, task.name),
        run,
        max_attempts=ATTEMPTS_AT_MOST,
        base_seconds=BASE_SECONDS,
        time_limit_seconds=float(limit),
    )


def _call(task: Any, ctx: Context, args: list[Any], kwargs: dict[str, Any], header: Mapping[str, Any]) -> Any:
    close_old()
    attempt = Attempt(task, ctx, args, kwargs, header)
    try:
        with running(task, attempt.request):
            attempt.begin()
            try:
                attempt.set_soft_limit()
                value = _value(task, attempt)
                return attempt.succeeded(value)
            except (Exception, Stopped, SystemExit) as error:
                ending = attempt.ended_by(error)
                if ending is error:
                    raise
                raise ending from error
            finally:
                attempt.close()
    finally:
        close_old()


def _value(task: Any, attempt: Attempt) -> Any:
    request = attempt.request
    if "errback" in attempt.header:
        return call_errback(task, request, attempt.header["errback"])
    return function_of(task)(*request.args, **request.kwargs)


async def _call_async(
    task: Any, ctx: Context, args: list[Any], kwargs: dict[str, Any], header: Mapping[str, Any]
) -> Any:
    """Runs an `async def` task on the worker's event loop. Its soft limit cancels it."""
    await close_old_of_coroutines()
    attempt = Attempt(task, ctx, args, kwargs, header)
    request = attempt.request
    try:
        with running(task, request):
            attempt.begin()
            try:
                try:
                    async with asyncio.timeout(attempt.soft_limit) as limit:
                        value = await function_of(task)(*request.args, **request.kwargs)
                except TimeoutError as error:
                    if not limit.expired():
                        raise
                    raise SoftTimeLimitExceeded from error
                return attempt.succeeded(value)
            except (Exception, Stopped, SystemExit, asyncio.CancelledError) as error:
                ending = attempt.ended_by(error)
                if ending is error:
                    raise
                raise ending from error
            finally:
                attempt.close()
    finally:
        await close_old_of_coroutines()
