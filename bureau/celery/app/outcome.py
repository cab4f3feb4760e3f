"""Tells a task's own handlers and the signals' receivers how a call ended."""

from traceback import format_exception
from typing import Any

from bureau.celery import signals, states
from bureau.celery.app.request import Context


class ExceptionInfo:
    """Holds an exception with its traceback, as text and as Python has it."""

    def __init__(self, error: BaseException) -> None:
        self.exception = error
        self.type = type(error)
        self.tb = error.__traceback__
        self.traceback = "".join(format_exception(error))

    def __str__(self) -> str:
        return self.traceback

    @property
    def exc_info(self) -> Any:
        return self.type, self.exception, self.tb


def after_success(task: Any, request: Context, value: Any) -> None:
    task.on_success(value, request.id, request.args, request.kwargs)
    signals.task_success.send(task, result=value)
    task.after_return(states.SUCCESS, value, request.id, request.args, request.kwargs, None)


def after_retry(task: Any, request: Context, error: Any) -> None:
    info = ExceptionInfo(error)
    task.on_retry(error.exc or error, request.id, request.args, request.kwargs, info)
    signals.task_retry.send(task, request=request, reason=error, einfo=info)


def after_failure(task: Any, request: Context, error: BaseException) -> None:
    info = ExceptionInfo(error)
    about = {"args": request.args, "kwargs": request.kwargs, "einfo": info}
    task.on_failure(error, request.id, request.args, request.kwargs, info)
    signals.task_failure.send(task, task_id=request.id, exception=error, traceback=info.tb, **about)
    task.after_return(states.FAILURE, error, request.id, request.args, request.kwargs, info)
