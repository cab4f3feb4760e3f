"""Defines the backend that stands in TASKS during a test: it keeps tasks in the outbox, and sends nothing."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from bureau.client import Artifact
from bureau.client.upload import FileSource, Upload
from bureau.django.backend import BureauBackend
from bureau.django.gateway import tasks_sender
from bureau.django.tasks_api import TaskResult, TaskResultDoesNotExist


class RecordingBackend(BureauBackend):
    """Writes each task into the outbox, in the test's transaction, where `RecordedTasks` finds it."""

    def get_result(self, result_id: str) -> TaskResult:
        """Returns the result of a task that ran, or of one that waits. Raises `TaskResultDoesNotExist`."""
        if result := self.options["RECORDED"].results.get(result_id):
            return result
        try:
            return self._not_sent(UUID(result_id))
        except ValueError:
            return self._not_sent(UUID(int=0))

    def _submit(self, job_id: UUID, body: Mapping[str, Any]) -> None:
        if (outbox := self._outbox()) is None:
            raise ImproperlyConfigured("Tests keep tasks in the outbox: add 'bureau.django' to INSTALLED_APPS.")
        outbox.write(tasks_sender(self.alias), "/v1/jobs", body, job_id)

    def _sent_meanwhile(self, job_id: UUID) -> TaskResult:
        raise TaskResultDoesNotExist(str(job_id))

    def _upload(self, file: FileSource) -> Artifact:
        upload = Upload(file)
        with upload.open() as content:
            return self.options["RECORDED"].files.add(upload.name, upload.media_type, content.read())
