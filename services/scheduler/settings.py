"""The scheduler's settings: a file of schedules, and how long what has ended is kept."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from bureau.ledger.retention.policy import Keep
from bureau.settings import SettingsError
from bureau.submission.quota_settings import QuotaSettings
from services.scheduler.schedule_file import ScheduleFile, ScheduleFileWrong

MAX_DAYS = 36_500  # a hundred years: as good as for ever


class SchedulerSettings(QuotaSettings):
    """Days may have fractions. A job is kept so long after its end, with its tasks and what they said."""

    schedules_file: Path | None = Field(default=None, description="Schedules in YAML; see docs/schedules.md.")
    keep_succeeded_days: float = Field(default=30, gt=0, le=MAX_DAYS, description="Jobs that succeeded.")
    keep_failed_days: float = Field(default=90, gt=0, le=MAX_DAYS, description="Jobs that failed.")
    keep_cancelled_days: float = Field(default=30, gt=0, le=MAX_DAYS, description="Jobs that were cancelled.")
    keep_files_days: float = Field(
        default=30, gt=0, le=MAX_DAYS, description="The files that jobs made, at most as long as their jobs."
    )
    keep_events_days: float = Field(
        default=30, gt=0, le=MAX_DAYS, description="Events and log lines of jobs, at most as long as their jobs."
    )
    keep_audit_days: float = Field(default=365, gt=0, le=MAX_DAYS, description="Rows of the audit, from their act on.")

    def schedules(self) -> ScheduleFile | None:
        """The file, read. Raises `SettingsError` with all that is wrong in it."""
        if self.schedules_file is None:
            return None
        try:
            return ScheduleFile.at(self.schedules_file)
        except ScheduleFileWrong as wrong:
            raise SettingsError([f"SCHEDULES_FILE: {mistake}" for mistake in wrong.mistakes]) from None

    @property
    def keep(self) -> Keep:
        return Keep(
            succeeded=timedelta(days=self.keep_succeeded_days),
            failed=timedelta(days=self.keep_failed_days),
            cancelled=timedelta(days=self.keep_cancelled_days),
            files=timedelta(days=self.keep_files_days),
            events=timedelta(days=self.keep_events_days),
            audit=timedelta(days=self.keep_audit_days),
        )
