"""How long what has ended is kept, decided purely."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bureau.contracts.jobs.states import JobState

UPLOADS_LONGER = timedelta(hours=24)  # than the last that referred to them


@dataclass(frozen=True)
class RetentionPolicy:
    """Of jobs by how they ended; their files and their events at most as long as they. Of the audit, each row."""

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
        """Of a file that a job made; None while the job has not ended."""
        if state == JobState.OPEN or finished_at is None:
            return None
        return finished_at + min(self.files, self.of_job(state))

    def upload_needed_until(self, state: str, finished_at: datetime) -> datetime:
        """By an ended job that refers to it: one without success may be retried while its own files are there."""
        again = timedelta() if state == JobState.SUCCEEDED else min(self.files, self.of_job(state))
        return finished_at + max(again, UPLOADS_LONGER)
