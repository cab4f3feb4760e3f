"""A schedule: a job that comes again and again. Structure only; `bureau.submission.schedules` checks what it says."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import JobSpec

NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
NAME_RULE = "A name has 1 to 100 letters, digits, dots, hyphens or underscores, the first no dot or hyphen."

Cron = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ZoneName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
EverySeconds = Annotated[int, Field(ge=1, le=315_360_000)]


class Misfire(StrEnum):
    """What becomes of times that passed while no scheduler ran. One that is a minute late at most is on time."""

    SKIP = "skip"  # nothing
    ONCE = "once"  # one job for all of them
    ALL = "all"  # a job for each


class ScheduleSpec(Contract):
    """When, and which job: PUT /v1/schedules/{name}. Either `cron` or `every_seconds`."""

    cron: Cron | None = Field(
        default=None, description="Five fields, or `@daily` and its like.", examples=["0 7 * * 1-5"]
    )
    every_seconds: EverySeconds | None = Field(default=None, description="Counted from when it was saved.")
    time_zone: ZoneName = Field(default="UTC", description="Where the clock of `cron` hangs, an IANA name.")
    job: JobSpec = Field(description="As POST /v1/jobs takes it, without `run_at` and `expires_at`.")
    enabled: bool = True
    misfire: Misfire = Field(default=Misfire.ONCE, description="For times that passed while no scheduler ran.")
