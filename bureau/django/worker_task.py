"""Makes a task of Bureau's from one of Django's, for a worker to run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bureau.django.tasks_api import Task

if TYPE_CHECKING:
    from bureau.task import Task as WorkerTask


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauTask(Task):
    """Is a task of Django's with terms of Bureau's, which `@task(…)` takes from Django 6.1 on.

    A task that raised an exception is tried again `retries` times. An execution may last `time_limit_seconds`.
    """

    retries: int = 0
    time_limit_seconds: float = 1800.0


def worker_task(name: str, task: Task, sender: type, alias: str) -> "WorkerTask[..., Any]":
    """Returns the task under its name in Bureau.

    A worker that dies does not count as an exception: Bureau runs the task again, at most five times. Without `retries`
    a task that raises `TransientError` is tried eight times, as any of Bureau's.
    """
    # Here, because a web process has no use for what a worker stands on, and need not have it installed.
    from bureau.django.calling import call
    from bureau.task import Context
    from bureau.task import Task as WorkerTask

    own = task if isinstance(task, BureauTask) else None

    def run(ctx: Context, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return call(sender, task, alias, ctx, args, kwargs, retried=own is not None and own.retries > 0)

    run.__doc__ = task.func.__doc__
    return WorkerTask(
        name,
        run,
        max_attempts=own.retries + 1 if own and own.retries else 8,
        time_limit_seconds=own.time_limit_seconds if own else 1800.0,
    )
