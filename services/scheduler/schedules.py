"""Submits the jobs of schedules that are due."""

from collections.abc import Callable
from uuid import UUID

import structlog

from bureau.ledger.access.quotas import Quota
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.submit import NewJob
from bureau.ledger.schedules import firing
from bureau.ledger.schedules.schedules import Schedule
from bureau.process.background_loop import Loop
from bureau.services.scheduler.file_schedules import FileSchedules
from bureau.services.scheduler.schedule_file import LOCAL, ScheduleFile
from bureau.submission.announcements import Announcements
from bureau.submission.requests.limits import DEFAULT_LIMITS, RequestLimits
from bureau.submission.schedules import job_at

CHECK_SECONDS = 1.0  # a job of a schedule is late by so much at most
NO_QUOTA = Quota()

log = structlog.get_logger(__name__)


def schedule_loops(
    db: Database, wake: Callable[[], None], file: ScheduleFile | None, quota: Quota, limits: RequestLimits
) -> list[Loop]:
    announcements = Announcements(db)
    loops = [Loop("schedules", Schedules(db, announcements, wake, quota, limits).step)]
    if file is not None:
        loops.append(Loop("file of schedules", FileSchedules(db, announcements, file, limits).step))
    return loops


class Schedules:
    """Submits the jobs of due schedules at each `step`, which a loop calls.

    Any number of schedulers may run, because the ledger gives each tick to one of them.
    """

    def __init__(
        self,
        db: Database,
        announcements: Announcements,
        wake: Callable[[], None],
        quota: Quota = NO_QUOTA,
        limits: RequestLimits = DEFAULT_LIMITS,
    ) -> None:
        self._db = db
        self._announcements = announcements
        self._wake = wake  # wakes the relay, which has hints to publish
        self._quota = quota
        self._limits = limits

    def step(self) -> float:
        due = firing.due(self._db)
        if not due:
            return CHECK_SECONDS
        catalog = self._announcements.known()

        def build(schedule: Schedule, job_id: UUID) -> NewJob:
            return job_at(schedule, catalog, self._limits, job_id=job_id)

        jobs = sum(firing.fire(self._db, owner, name, build, self._quota_of(owner)) for owner, name in due)
        if jobs:
            self._wake()
            log.info("submitted jobs of schedules", jobs=jobs)
        return 0.0 if jobs else CHECK_SECONDS

    def _quota_of(self, owner: str) -> Quota:
        """Returns an owner's quota. As in the gateway, quotas apply only to owners with keys."""
        return NO_QUOTA if owner == LOCAL else self._quota
