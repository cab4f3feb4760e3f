"""Calls a task's function in the thread of its worker: its outcome is a value, whatever the function does."""

from functools import partial
from typing import Any

from pydantic import BaseModel

from bureau.contracts.errors import Stopped
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.outcome import Outcome
from bureau.runtime.execution.execution import Execution
from bureau.runtime.execution.task_input import parsed_input
from bureau.runtime.execution.task_outcomes import failed, stopped, succeeded
from bureau.task import Task


def call_task(execution: Execution, task: Task[Any, Any], db: Database) -> Outcome | None:
    """Runs the task and returns its outcome; None if its claim was lost meanwhile. Never raises.

    A task that was interrupted was stopped, whatever it made of that: what it returned may be half of its work.
    """
    try:
        work = partial(_work, execution, task, parsed_input(db, execution.claim, task, execution.known))
        outcome = execution.interrupt.call(work) if task.interruptible else work()
    except Stopped:
        return stopped(execution)
    except BaseException as error:  # noqa: BLE001 - nothing else would end this claim
        return failed(execution, error)
    return stopped(execution) if execution.interrupt.sent else outcome


def _work(execution: Execution, task: Task[Any, Any], parsed: BaseModel) -> Outcome | None:
    """Calls the function, and runs what else the task's author wrote: what puts a result or an error into words."""
    try:
        return succeeded(execution, task.call(execution, parsed))
    except BaseException as error:  # noqa: BLE001 - CancelledError, SystemExit: nothing else would end this claim
        return failed(execution, error)
