"""Defines the scheduler's settings: the file of schedules and the retention of jobs that have ended."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from bureau.ledger.retention.policy import RetentionPolicy
from bureau.services.scheduler.schedule_file import InvalidScheduleFile, ScheduleFile
from bureau.settings import SettingsError
from bureau.submission.requests.limits import RequestSettings

MAX_DAYS = 36_500  # a hundred years, which is practically for ever


class SchedulerSettings(RequestSettings):
    """Holds the scheduler's settings. Days may have fractions. A job is kept with its tasks and their log lines."""

    schedules_file: Path | None = Field(default=None, description="A YAML file of schedules; see docs/schedules.md.")
    keep_succeeded_days: float = Field(
        default=30, gt=0, le=MAX_DAYS, description="How long jobs that succeeded are kept after they end."
    )
    keep_failed_days: float = Field(
        default=90, gt=0, le=MAX_DAYS, description="How long jobs that failed are kept after they end."
    )
    keep_cancelled_days: float = Field(
        default=30, gt=0, le=MAX_DAYS, description="How long jobs that were cancelled are kept after they end."
    )
    keep_files_days: float = Field(
        default=30,
        gt=0,
        le=MAX_DAYS,
        description="How long files that jobs made are kept after the job ends, at most as long as the job.",
    )
    keep_events_days: float = Field(
        default=30,
        gt=0,
        le=MAX_DAYS,
        description="How long events and log lines of jobs are kept after the job ends, at most as long as the job.",
    )
    keep_audit_days: float = Field(
        default=365, gt=0, le=MAX_DAYS, description="How long rows of the audit are kept after their act."
    )

    def schedules(self) -> ScheduleFile | None:
        """Reads the file of schedules; None without the setting. Raises `SettingsError` with all errors in it."""
        if self.schedules_file is None:
            return None
        try:
            return ScheduleFile.at(self.schedules_file)
        except InvalidScheduleFile as invalid:
            raise SettingsError([f"SCHEDULES_FILE: {error}" for error in invalid.errors]) from None

    @property
    def keep(self) -> RetentionPolicy:
        return RetentionPolicy(
            succeeded=timedelta(days=self.keep_succeeded_days),
            failed=timedelta(days=self.keep_failed_days),
            cancelled=timedelta(days=self.keep_cancelled_days),
            files=timedelta(days=self.keep_files_days),
            events=timedelta(days=self.keep_events_days),
            audit=timedelta(days=self.keep_audit_days),
        )
