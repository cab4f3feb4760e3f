"""Turns a job into a line of a list."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bureau.ledger.reads.job_queries import JobRow
from bureau.services.gateway.console.text.words import state_words


@dataclass(frozen=True)
class Line:
    """A line: the job `waited` until it started, and `took` from then to its end or until now, pauses included."""

    job: JobRow
    words: tuple[str, str]
    age: timedelta
    waited: timedelta
    took: timedelta | None


def job_row(job: JobRow, now: datetime) -> Line:
    ended = job.finished_at or now
    waited = (job.started_at or ended) - job.created_at
    took = ended - job.started_at if job.started_at else None
    return Line(job, state_words(job.state), now - job.created_at, waited, took)
