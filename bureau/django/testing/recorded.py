"""Keeps the tasks that a test enqueues, and runs them in the test's own transaction when the test says so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.test import override_settings
from django.utils import timezone
from django.utils.module_loading import import_string

from bureau.contracts.errors import Postponed, TaskError, TransientError
from bureau.django.backend import BureauBackend
from bureau.django.models import Submission
from bureau.django.outbox import database
from bureau.django.results import result_of, waiting
from bureau.django.tasks_api import Task, TaskResult, task_backends
from bureau.django.testing.context import Files, LocalContext
from bureau.django.worker_task import worker_task

BACKEND = "bureau.django.testing.backend.RecordingBackend"


class _Undone(Exception):
    """Rolls a savepoint back."""


class RecordedTasks:
    """Holds what is enqueued and what became of it. What a rolled back transaction enqueued is not in it."""

    def __init__(self) -> None:
        self.files = Files()
        self.results: dict[str, TaskResult] = {}

    def clear(self) -> None:
        """Forgets everything, as before each test."""
        self.files = Files()
        self.results = {}
        _rows().delete()

    def enqueued(self) -> list[TaskResult]:
        """Returns the tasks that wait, in the order in which they would run."""
        return [_waiting(row) for row in _in_order()]

    def run(self, *, later: bool = False) -> list[TaskResult]:
        """Runs what waits, and what that enqueues, and returns the results in the order of running.

        Tasks with a `run_after` in the future are left, unless `later`. An exception of a task is in its result.
        """
        done: list[TaskResult] = []
        postponed: set[UUID] = set()
        while row := next((row for row in _in_order() if row.pk not in postponed and (later or _is_due(row))), None):
            result = self._run(row)
            if result is None:
                postponed.add(row.pk)
            else:
                self.results[result.id] = result
                done.append(result)
        return done

    def _run(self, row: Submission) -> TaskResult | None:
        """Runs a task in a savepoint of its own, and returns its result; None if it postponed itself.

        After an error of the database the savepoint is rolled back, because the test's transaction could not go on.
        """
        result: TaskResult | None = None
        with suppress(_Undone), transaction.atomic(using=database()):
            _rows().filter(pk=row.pk).delete()
            result, error = self._attempts(row)
            if error and isinstance(error.__cause__, DatabaseError):
                raise _Undone
        _rows().filter(pk=row.pk).delete()
        if result is None:
            row.save(using=database(), force_insert=True)
        return result

    def _attempts(self, row: Submission) -> tuple[TaskResult | None, TaskError | None]:
        """Runs a task until it ends, without the pauses of a worker. Its result is made from what Bureau would say."""
        waiting_result = _waiting(row)
        task, alias = waiting_result.task, waiting_result.backend
        said: dict[str, Any] = {**row.body["tasks"][0], "attempts": [], "logs": [], "result": None, "error": None}
        worker = worker_task(said["run"], task, type(task_backends[alias]), alias)
        error: TaskError | None = None
        while True:
            attempt: dict[str, Any] = {"started_at": timezone.now().isoformat(), "worker": "tests", "error": None}
            said["attempts"].append(attempt)
            context = LocalContext(row.pk, len(said["attempts"]), self.files)
            try:
                said |= {"result": worker.run(context, said["input"]), "state": "succeeded"}
            except Postponed:
                return None, None
            except TaskError as raised:
                error = raised
                attempt["error"] = said["error"] = {"code": raised.code, "message": raised.message}
                said["state"] = "failed"
            said["logs"] += [{"line": line} for line in context.lines]
            again = isinstance(error, TransientError) and len(said["attempts"]) < worker.description.retry.max_attempts
            if said["state"] == "succeeded" or not again:
                break
        said |= {"started_at": said["attempts"][0]["started_at"], "finished_at": timezone.now().isoformat()}
        job = {"id": str(row.pk), "created_at": row.created_at.isoformat(), "tasks": [said]}
        return result_of(job, task, alias), error if said["state"] == "failed" else None


@contextmanager
def recording() -> Iterator[RecordedTasks]:
    """Has each entry of TASKS that runs on Bureau keep what it is given, during the block."""
    tasks = RecordedTasks()
    entries = {alias: _recording(entry, tasks) for alias, entry in settings.TASKS.items()}
    with override_settings(TASKS=entries):
        yield tasks


def runs_on_bureau(entry: Mapping[str, Any]) -> bool:
    """Returns whether an entry of TASKS is Bureau's."""
    return issubclass(import_string(entry["BACKEND"]), BureauBackend)


def _recording(entry: Mapping[str, Any], tasks: RecordedTasks) -> dict[str, Any]:
    if not runs_on_bureau(entry):
        return dict(entry)
    return {**entry, "BACKEND": BACKEND, "OPTIONS": {**entry.get("OPTIONS", {}), "RECORDED": tasks}}


def _rows() -> Any:
    return Submission.objects.using(database()).filter(sender__startswith="tasks:")


def _in_order() -> list[Submission]:
    return sorted(_rows(), key=lambda row: (-row.body["priority"], row.created_at, row.pk))


def _is_due(row: Submission) -> bool:
    run_at = row.body.get("run_at")
    return run_at is None or datetime.fromisoformat(run_at) <= timezone.now()


def _waiting(row: Submission) -> TaskResult:
    alias = row.sender.removeprefix("tasks:")
    backend: Any = task_backends[alias]
    task: Task = backend.task_of(row.body, str(row.pk))
    return waiting(task, str(row.pk), row.body["tasks"][0]["input"], alias, row.created_at)
