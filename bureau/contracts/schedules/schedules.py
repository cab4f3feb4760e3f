"""Defines the shape of a schedule, a job that runs repeatedly; `bureau.submission.schedules` checks its values."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import JobSpec

NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
NAME_RULE = "A name has 1 to 100 letters, digits, dots, hyphens or underscores; it does not start with a dot or hyphen."

Cron = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ZoneName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
EverySeconds = Annotated[int, Field(ge=1, le=315_360_000)]


class Misfire(StrEnum):
    """Says how to handle times that passed while no scheduler ran. A time that is at most a minute late is on time."""

    SKIP = "skip"  # no job
    ONCE = "once"  # one job for all of them
    ALL = "all"  # one job for each of them


class ScheduleSpec(Contract):
    """Says when which job runs: PUT /v1/schedules/{name}. Either `cron` or `every_seconds` is set."""

    cron: Cron | None = Field(
        default=None, description="Five fields, or a macro such as `@daily`.", examples=["0 7 * * 1-5"]
    )
    every_seconds: EverySeconds | None = Field(
        default=None, description="Interval in seconds, counted from when the schedule was saved."
    )
    time_zone: ZoneName = Field(default="UTC", description="Time zone for `cron`, an IANA name.")
    job: JobSpec = Field(description="A job in the format of POST /v1/jobs, without `run_at` and `expires_at`.")
    enabled: bool = True
    misfire: Misfire = Field(
        default=Misfire.ONCE, description="How to handle times that passed while no scheduler ran."
    )
