"""Defines the schedules that the API returns."""

from datetime import datetime
from itertools import islice
from typing import Any, Literal

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.ledger.reads.job_queries import JobRow
from bureau.ledger.schedules.schedules import Schedule as Kept
from bureau.ledger.schedules.ticks import after
from bureau.services.gateway.models import JobSummary, summary_of
from bureau.submission.schedules import stored_request

NEXT_RUNS = 5
MAX_NEXT_RUNS = 20


class ScheduleProblem(BaseModel):
    """Says why the latest run has no job."""

    at: datetime
    message: str


class Schedule(BaseModel):
    """Describes a request that comes again: by `cron` in `time_zone`, or at an interval in seconds.

    One of `job`, `report`, `email` and `certificates` is what it submits; the others are null.
    """

    name: str
    cron: str | None
    every_seconds: int | None
    time_zone: str
    job: dict[str, Any] | None = Field(description="The job as it was submitted.")
    report: dict[str, Any] | None = Field(default=None, description="The report as it was submitted.")
    email: dict[str, Any] | None = Field(default=None, description="The e-mail as it was submitted.")
    certificates: dict[str, Any] | None = Field(default=None, description="The certificates as they were submitted.")
    enabled: bool
    misfire: Literal["skip", "once", "all"]
    source: Literal["api", "file"] = Field(
        description="Where the schedule was written, which is where it can be changed."
    )
    next_runs: list[datetime]
    last_job: JobSummary | None
    problem: ScheduleProblem | None
    created_at: datetime
    updated_at: datetime


class ScheduleList(BaseModel):
    """Lists a page of schedules, sorted by name."""

    items: list[Schedule]
    next_cursor: str | None


class NextRuns(Contract):
    """Says how many of its next times a schedule is read with."""

    next: int = Field(default=NEXT_RUNS, ge=1, le=MAX_NEXT_RUNS, description="How many of its next times to show.")


def schedule_shown(kept: Kept, last_job: JobRow | None, runs: int = NEXT_RUNS) -> Schedule:
    return Schedule(
        name=kept.name,
        cron=kept.timing.cron,
        every_seconds=kept.timing.every_seconds,
        time_zone=kept.timing.time_zone,
        **{"job": None, **stored_request(kept)},
        enabled=kept.enabled,
        misfire=kept.misfire.value,
        source=kept.source.value,
        next_runs=_next_runs(kept, runs),
        last_job=summary_of(last_job) if last_job else None,
        problem=ScheduleProblem(at=kept.problem_at, message=kept.problem) if kept.problem and kept.problem_at else None,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
    )


def _next_runs(kept: Kept, runs: int) -> list[datetime]:
    if kept.next_at is None:
        return []
    return [kept.next_at, *islice(after(kept.timing, kept.next_at, kept.next_at), runs - 1)]
