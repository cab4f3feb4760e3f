"""Calls a task's function, and turns whatever comes of it into a value: nothing that a task raises gets any further."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from bureau.contracts.errors import Stopped
from bureau.ledger.jobs.claim import Claim
from bureau.runtime.execution import Execution
from bureau.runtime.raised_error import RaisedError, plain_error
from bureau.runtime.task_outcomes import input_error, refuse_unstorable
from bureau.secrets.redaction import hide_secrets
from bureau.task import Task


@dataclass(frozen=True)
class Returned:
    """Holds the result of a task, as JSON and without this process's secrets."""

    result: Any


@dataclass(frozen=True)
class WasStopped:
    """Says that the function ended because its execution was asked to stop."""


def call_task(
    execution: Execution, task: Task[Any, Any], read_input: Callable[[], dict[str, Any]]
) -> Returned | RaisedError | WasStopped:
    """Reads the input and calls the task with it. Never raises.

    A task that was interrupted was stopped, whatever it made of that: what it returned may be half of its work.
    """
    try:
        data = read_input()
        work = partial(_work, execution, task, data)
        came = execution.interrupt.call(work) if task.interruptible else work()
    except Stopped:
        return WasStopped()
    except BaseException as error:  # noqa: BLE001 - nothing else ends this claim
        return plain_error(error, task.name)
    return WasStopped() if execution.interrupt.sent else came


def _work(execution: Execution, task: Task[Any, Any], data: dict[str, Any]) -> Returned | RaisedError:
    """Runs all code of the task's author, which includes what puts an error into words."""
    try:
        return Returned(_result(execution, task, data))
    except Stopped:
        raise
    except BaseException as error:  # noqa: BLE001 - asyncio's CancelledError, SystemExit: nothing else ends this claim
        return plain_error(error, task.name)


def _result(execution: Execution, task: Task[Any, Any], data: dict[str, Any]) -> Any:
    result = task.call(execution, _parsed(execution.claim, task, data))
    refuse_unstorable(result)
    return hide_secrets(result)


def _parsed(claimed: Claim, task: Task[Any, Any], data: dict[str, Any]) -> BaseModel:
    try:
        return task.parse(data)
    except ValidationError as error:  # only the input's: one that the function raises is a failure of the task
        raise input_error(error, claimed) from None
