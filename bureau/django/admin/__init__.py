"""Shows Bureau's jobs and schedules and the outbox in Django's admin, which loads this module by its name."""

from bureau.django.admin import jobs, outbox, schedules

__all__ = ["jobs", "outbox", "schedules"]
