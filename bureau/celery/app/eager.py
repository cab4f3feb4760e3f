"""Runs a task in this process, at once, as `apply` and `task_always_eager` do."""

import asyncio
import contextvars
import inspect
import json
import threading
from traceback import format_exception
from typing import Any

from bureau.celery import signals, state, states
from bureau.celery.app.outcome import after_failure, after_retry, after_success
from bureau.celery.app.request import Context, hostname, running
from bureau.celery.exceptions import Ignore, Reject, Retry
from bureau.celery.results.eager import EagerResult
from bureau.celery.sending.options import checked
from bureau.celery.utils import uuid
from bureau.celery.utils.json import decoded, encoded


def applied_as_sent(task: Any, args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any]) -> EagerResult:
    """Runs a task whose arguments went through JSON, as if they were sent. Raises `NotJson`."""
    known = checked(options)
    given = json.loads(json.dumps([encoded(list(args), "args"), encoded(kwargs, "kwargs")]))
    args, kwargs = decoded(given)
    return applied(
        task,
        tuple(args),
        kwargs,
        task_id=known.get("task_id"),
        link=known.get("link"),
        link_error=known.get("link_error"),
        headers=known.get("headers"),
    )


def applied(
    task: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    task_id: str | None = None,
    retries: int = 0,
    throw: bool | None = None,
    link: Any = None,
    link_error: Any = None,
    headers: Any = None,
) -> EagerResult:
    """Runs a task and its retries, without their pauses. Raises what it raised if errors shall be thrown."""
    throw = state.conf().task_eager_propagates if throw is None else throw
    id = task_id or uuid()
    while True:
        request = Context(
            id=id,
            task=task.name,
            args=args,
            kwargs=kwargs,
            retries=retries,
            is_eager=True,
            called_directly=False,
            root_id=id,
            correlation_id=id,
            hostname=hostname(),
            headers=headers,
            delivery_info={"is_eager": True, "exchange": None, "routing_key": None, "priority": None},
        )
        with running(task, request):
            result = _once(task, request, throw)
        if result.state != states.RETRY:
            break
        retries += 1
    for callback in _listed(link) if result.state == states.SUCCESS else []:
        result.children.append(callback.apply((result.result,)))
    for errback in _listed(link_error) if result.state == states.FAILURE else []:
        from_failure(errback, request, result.result, result.traceback)
    return result


def _once(task: Any, request: Context, throw: bool) -> EagerResult:
    id, args, kwargs = request.id or "", request.args, request.kwargs
    signals.task_prerun.send(task, task_id=id, task=task, args=args, kwargs=kwargs)
    made, told = states.FAILURE, None
    try:
        task.before_start(id, args, kwargs)
        told = called(task, args, kwargs)
        made = states.SUCCESS
        after_success(task, request, told)
        return EagerResult(id, told, made, name=task.name)
    except (Ignore, Reject) as error:
        made, told = states.IGNORED, error
        return EagerResult(id, error, made, name=task.name)
    except Retry as error:
        made, told = states.RETRY, error
        after_retry(task, request, error)
        return EagerResult(id, error, made, name=task.name)
    except Exception as error:
        told = error
        after_failure(task, request, error)
        if throw:
            raise
        return EagerResult(id, error, made, traceback="".join(format_exception(error)), name=task.name)
    finally:
        signals.task_postrun.send(task, task_id=id, task=task, args=args, kwargs=kwargs, retval=told, state=made)


def called(task: Any, args: Any, kwargs: Any) -> Any:
    """Calls the task and returns its value; of an `async def` task once it is awaited."""
    value = function_of(task)(*args, **kwargs)
    return _awaited(value) if asyncio.iscoroutine(value) else value


def function_of(task: Any) -> Any:
    """Returns what runs: the task's own `__call__` if its class has one, else `run`."""
    return task if task.has_own_call else task.run


def _awaited(coroutine: Any) -> Any:
    """Runs a coroutine to its end, also in a thread that runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    told: list[Any] = []
    variables = contextvars.copy_context()

    def run() -> None:
        try:
            told.append(variables.run(asyncio.run, coroutine))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            told.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(told[0], BaseException):
        raise told[0]
    return told[0]


def from_failure(errback: Any, request: Context, error: BaseException, traceback: Any) -> Any:
    """Calls an errback: with request, exception and traceback if it takes more than one argument, else with the id."""
    task = state.TASKS.get(errback["task"])
    if task is not None and takes_three(task):
        return errback(request, error, traceback)
    return errback.apply((request.id,))


def takes_three(task: Any) -> bool:
    """Returns whether an errback takes more than the failed task's id. One with `bind` gets the id, as in Celery."""
    if task.bind:
        return False
    parameters = list(inspect.signature(task.run).parameters.values())
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return True
    return sum(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters) > 1


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return list(found) if isinstance(found, list | tuple) else [found]
