"""Defines the schedules that the API returns."""

from datetime import datetime
from itertools import islice
from typing import Any, Literal

from pydantic import BaseModel, Field

from bureau.ledger.reads.job_queries import JobRow
from bureau.ledger.schedules.schedules import Schedule as Kept
from bureau.ledger.schedules.ticks import after
from bureau.services.gateway.models import JobSummary, summary_of

NEXT_RUNS = 5


class ScheduleProblem(BaseModel):
    """Says why the latest run has no job."""

    at: datetime
    message: str


class Schedule(BaseModel):
    """Describes a recurring job: by `cron` in `time_zone`, or at an interval in seconds."""

    name: str
    cron: str | None
    every_seconds: int | None
    time_zone: str
    job: dict[str, Any] = Field(description="The job as it was submitted.")
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


def schedule_shown(kept: Kept, last_job: JobRow | None) -> Schedule:
    return Schedule(
        name=kept.name,
        cron=kept.timing.cron,
        every_seconds=kept.timing.every_seconds,
        time_zone=kept.timing.time_zone,
        job=kept.job,
        enabled=kept.enabled,
        misfire=kept.misfire.value,
        source=kept.source.value,
        next_runs=_next_runs(kept),
        last_job=summary_of(last_job) if last_job else None,
        problem=ScheduleProblem(at=kept.problem_at, message=kept.problem) if kept.problem and kept.problem_at else None,
        created_at=kept.created_at,
        updated_at=kept.updated_at,
    )


def _next_runs(kept: Kept) -> list[datetime]:
    if kept.next_at is None:
        return []
    return [kept.next_at, *islice(after(kept.timing, kept.next_at, kept.next_at), NEXT_RUNS - 1)]
