"""Defines the outbox, what was put at the gateway, and names for what the admin shows of Bureau.

The outbox holds submissions that a transaction decided on and that Bureau may not have yet.
"""

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from bureau.outbox.sending import retry_seconds


class Submission(models.Model):
    """Holds a request that submits a job. Its id is the job's, so a second send makes no second job."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sender = models.CharField(max_length=100, help_text="What sends it: the mail, or an entry of TASKS.")
    path = models.CharField(max_length=100)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    trouble = models.TextField(blank=True, help_text="Why the last send failed.")
    refused_at = models.DateTimeField(null=True, blank=True, help_text="Set if the gateway will never accept it.")

    class Meta:
        ordering = ("created_at",)
        indexes = (
            models.Index(
                fields=["next_try_at"], name="bureau_submission_due", condition=models.Q(refused_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return str(self.body.get("title") or self.body.get("subject") or self.id)

    def postpone(self, trouble: str) -> None:
        """Has it sent again later; the pause grows to five minutes."""
        seconds = retry_seconds(self.tries)
        self._change(next_try_at=timezone.now() + timedelta(seconds=seconds), trouble=trouble)

    def refuse(self, trouble: str) -> None:
        """Keeps it for people to look at; it is not sent again by itself."""
        self._change(refused_at=timezone.now(), trouble=trouble)

    def _change(self, **changes: Any) -> None:
        """Counts a try and changes the row, if it is still there: it may have been deleted meanwhile."""
        rows = type(self).objects.using(self._state.db).filter(pk=self.pk)
        rows.update(tries=self.tries + 1, **changes)


class AppliedSchedule(models.Model):
    """Names a schedule that this project has put, so that it is deleted when the project declares it no more."""

    name = models.CharField(primary_key=True, max_length=100)
    digest = models.CharField(max_length=64, blank=True, help_text="Of what was put; empty until it is.")

    def __str__(self) -> str:
        return self.name


class _NoRows(models.Manager[Any]):
    """Returns no rows, because there is no table; `dumpdata` and others ask each model."""

    def get_queryset(self) -> Any:
        return super().get_queryset().none()


class Job(models.Model):
    """Stands for a job of Bureau's in the admin, for its address, permissions and history. It has no table."""

    id = models.CharField(primary_key=True, max_length=36)
    title = models.CharField(max_length=200)
    objects = _NoRows()

    class Meta:
        managed = False
        default_permissions = ("view", "change")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return str(self.title or self.id)


class Schedule(models.Model):
    """Stands for a schedule of Bureau's in the admin, as `Job` does for a job. It has no table."""

    name = models.CharField(primary_key=True, max_length=100)
    objects = _NoRows()

    class Meta:
        managed = False
        default_permissions = ("view", "change")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name
