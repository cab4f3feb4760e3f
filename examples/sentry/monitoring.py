"""Reports to Sentry what tasks raise. SENTRY_DSN says where; without it nothing is sent."""

import os
from typing import Literal

import sentry_sdk

from bureau import TaskRun, on


@on("process_started")
def connect() -> None:
    # The default integrations would report Bureau's log records of the same errors once more.
    sentry_sdk.init(os.environ.get("SENTRY_DSN"), default_integrations=False)


@on("failed")
def report_failure(task: TaskRun) -> None:
    _report(task, "error")


@on("retried")
def report_retry(task: TaskRun) -> None:
    _report(task, "warning")


@on("process_stopping")
def send_the_last() -> None:
    sentry_sdk.flush(timeout=5)


def _report(task: TaskRun, level: Literal["error", "warning"]) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_transaction_name(task.run)
        scope.set_level(level)
        scope.set_tag("queue", task.queue)
        scope.set_context("job", {"id": str(task.job_id), "task": task.name, "attempt": task.attempt})
        if task.error:
            scope.capture_exception(task.error)
        else:
            scope.capture_message(f"{task.run} was stopped: its time was over")
