"""Decides how long ended jobs, files, events and audit rows are kept. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bureau.contracts.jobs.states import JobState

UPLOADS_LONGER = timedelta(hours=24)  # after the end of the last job that referred to them


@dataclass(frozen=True)
class RetentionPolicy:
    """Retention times: of jobs by their outcome, of their files and events (never longer), and of audit rows."""

    succeeded: timedelta
    failed: timedelta
    cancelled: timedelta
    files: timedelta
    events: timedelta
    audit: timedelta

    def of_job(self, state: str) -> timedelta:
        return {
            JobState.SUCCEEDED: self.succeeded,
            JobState.FAILED: self.failed,
            JobState.CANCELLED: self.cancelled,
        }[JobState(state)]

    def file_expires_at(self, state: str, finished_at: datetime | None) -> datetime | None:
        """Returns when a file that a job made expires; None while the job is open."""
        if state == JobState.OPEN or finished_at is None:
            return None
        return finished_at + min(self.files, self.of_job(state))

    def upload_needed_until(self, state: str, finished_at: datetime) -> datetime:
        """Returns until when an ended job needs an upload: a failed job may be retried while its own files exist."""
        again = timedelta() if state == JobState.SUCCEEDED else min(self.files, self.of_job(state))
        return finished_at + max(again, UPLOADS_LONGER)
