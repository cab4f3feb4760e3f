"""Runs Django's tasks on Bureau.

    TASKS = {"default": {"BACKEND": "bureau.django.backend.BureauBackend", "QUEUES": ["default"],
                         "OPTIONS": {"URL": "http://127.0.0.1:8600"}}}

A queue is a service of Bureau's, so each has a worker: `manage.py bureau_worker --queue default`.
"""

from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.utils import timezone

from bureau.client import Artifact, Bureau, Problem
from bureau.client.upload import FileSource
from bureau.contracts.ids import new_id
from bureau.django.discovery import discovered
from bureau.django.files.uploads import with_references
from bureau.django.gateway import AT_COMMIT, BACKGROUND, client_of, send, tasks_sender
from bureau.django.naming import check_queue, priority_to_bureau, priority_to_django, run_name
from bureau.django.results import result_of, waiting
from bureau.django.tasks_api import (
    BaseTaskBackend,
    InvalidTask,
    Task,
    TaskResult,
    TaskResultDoesNotExist,
    normalize_json,
    task_enqueued,
)
from bureau.django.worker_task import BureauTask, worker_task

if TYPE_CHECKING:
    from bureau.task import Task as WorkerTask


class BureauBackend(BaseTaskBackend):
    """Submits each task as a job of Bureau's, and reads results from it.

    OPTIONS: `URL` and `KEY` of the gateway (else BUREAU_URL and BUREAU_KEY), and `PATIENCE`, the seconds for which a
    request to it is repeated (2). Where `bureau.django` is an installed app, a task that is enqueued in a transaction
    is committed with it or not at all, and one that is enqueued while the gateway is away is sent later.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True
    task_class = BureauTask

    @property
    def client(self) -> Bureau:
        """Returns the client of the gateway, which other code of the project may use too."""
        return client_of(self.options.get("URL"), self.options.get("KEY"), self.options.get("PATIENCE", 2))

    def validate_task(self, task: Task) -> None:
        super().validate_task(task)
        run_name(task)

    def enqueue(self, task: Task, args: Any, kwargs: Any) -> TaskResult:
        """Submits the task. Raises `InvalidTask`, and `BureauError` if the gateway is away and there is no outbox.

        A file among the arguments is uploaded at once, also in a transaction: then the gateway must answer. If the
        transaction is rolled back, the upload expires after a day.
        """
        self.validate_task(task)
        body = self.job_body(task, with_references(args, self._upload), with_references(kwargs, self._upload))
        if task.run_after:
            body["run_at"] = task.run_after.isoformat()
        job_id = new_id()
        self._submit(job_id, body)
        result = waiting(task, str(job_id), body["tasks"][0]["input"], self.alias, timezone.now())
        task_enqueued.send(type(self), task_result=result)
        return result

    def job_body(self, task: Task, args: Any, kwargs: Any) -> dict[str, Any]:
        """Returns the body of `POST /v1/jobs` that runs the task, without a time. Raises `InvalidTask`, `TypeError`."""
        self.validate_task(task)
        sent = {"args": normalize_json(list(args)), "kwargs": normalize_json(kwargs)}
        return {
            "tasks": [{"name": "task", "run": run_name(task), "input": sent}],
            "title": task.module_path[:200],
            "priority": priority_to_bureau(task.priority),
        }

    def get_result(self, result_id: str) -> TaskResult:
        """Reads the job. Raises `TaskResultDoesNotExist` for an id that is no task's of this project."""
        try:
            job_id = UUID(result_id)
            job: Mapping[str, Any] = self.client.get(str(job_id)).data
        except ValueError:
            raise TaskResultDoesNotExist(result_id) from None
        except Problem as problem:
            if problem.status != 404:
                raise
            return self._not_sent(job_id)
        return result_of(job, self.task_of(job, result_id), self.alias)

    def bureau_tasks(self, queue: str) -> "list[WorkerTask[..., Any]]":
        """Returns what a worker of this queue runs: all tasks, since `using(queue_name=…)` sends any to any queue."""
        tasks = [task.using(queue_name=queue) for task in discovered().values() if task.backend == self.alias]
        return [worker_task(run_name(task), task, type(self), self.alias) for task in tasks]

    def check(self, **_kwargs: Any) -> list[checks.CheckMessage]:
        """Checks the queues' names, BUREAU_SEND, and that the outbox is installed, for `manage.py check`."""
        found: list[checks.CheckMessage] = []
        for name in sorted(self.queues):
            try:
                check_queue(name)
            except InvalidTask as wrong:
                found.append(checks.Error(str(wrong), id="bureau.E001"))
        if (how := getattr(settings, "BUREAU_SEND", BACKGROUND)) not in (BACKGROUND, AT_COMMIT):
            found.append(
                checks.Error(f"BUREAU_SEND is {how!r}; write {BACKGROUND!r} or {AT_COMMIT!r}.", id="bureau.E002")
            )
        if not self._outbox():
            found.append(
                checks.Warning(
                    "A task that is enqueued in a transaction is not part of it.",
                    hint="Add 'bureau.django' to INSTALLED_APPS and run manage.py migrate.",
                    id="bureau.W001",
                )
            )
        return found

    def _outbox(self) -> ModuleType | None:
        """Returns the outbox, or None where `bureau.django` is no installed app.

        It is imported when it is needed: tasks may be declared while Django is still loading its apps.
        """
        if not apps.is_installed("bureau.django"):
            return None
        from bureau.django import outbox

        return outbox

    def _submit(self, job_id: UUID, body: Mapping[str, Any]) -> None:
        outbox = self._outbox()
        submit = outbox.submit if outbox else send
        try:
            submit(tasks_sender(self.alias), "/v1/jobs", body, job_id)
        except Problem as problem:
            if problem.status == 422:
                raise InvalidTask(str(problem)) from problem
            raise

    def _upload(self, file: FileSource) -> Artifact:
        return self.client.upload(file)

    def _not_sent(self, job_id: UUID) -> TaskResult:
        """Returns the result of a task that waits in the outbox. It may be sent while this looks: then asks again."""
        outbox = self._outbox()
        row = outbox.find(job_id) if outbox else None
        if row is None:
            return self._sent_meanwhile(job_id)
        sent = row.body["tasks"][0]["input"]
        return waiting(self.task_of(row.body, str(job_id)), str(job_id), sent, self.alias, row.created_at)

    def _sent_meanwhile(self, job_id: UUID) -> TaskResult:
        try:
            job: Mapping[str, Any] = self.client.get(str(job_id)).data
        except Problem as problem:
            if problem.status != 404:
                raise
            raise TaskResultDoesNotExist(str(job_id)) from None
        return result_of(job, self.task_of(job, str(job_id)), self.alias)

    def task_of(self, job: Mapping[str, Any], result_id: str) -> Task:
        """Returns the task of a job, with the queue, priority and time that it was enqueued with."""
        queue, _, path = job["tasks"][0]["run"].partition(".")
        if path not in discovered():
            raise TaskResultDoesNotExist(result_id)
        run_at = job.get("run_at")
        return discovered()[path].using(
            queue_name=queue,
            priority=priority_to_django(job["priority"]),
            run_after=datetime.fromisoformat(run_at) if run_at else None,
        )
