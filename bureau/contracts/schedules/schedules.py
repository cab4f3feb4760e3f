"""Defines the shape of a schedule, a request that comes again; `bureau.submission.schedules` checks its values."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import JobSpec
from bureau.contracts.requests.certificates import CertificatesRequest
from bureau.contracts.requests.emails import EmailRequest
from bureau.contracts.requests.reports import ReportRequest

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


ScheduledRequest = JobSpec | ReportRequest | EmailRequest | CertificatesRequest
REQUEST_FIELDS = ("job", "report", "email", "certificates")


class RequestFields(Contract):
    """Holds what a schedule submits, in one of four fields, without `run_at` and `expires_at`."""

    job: JobSpec | None = Field(default=None, description="A job in the format of POST /v1/jobs.")
    report: ReportRequest | None = Field(default=None, description="A report in the format of POST /v1/reports.")
    email: EmailRequest | None = Field(
        default=None, description="An e-mail in the format of POST /v1/emails; `text` and `html` of at most 16 KiB."
    )
    certificates: CertificatesRequest | None = Field(
        default=None, description="Certificates as POST /v1/certificates takes them, from stored `files`."
    )

    def requests(self) -> dict[str, ScheduledRequest]:
        """Returns the requests that are given, by their field."""
        return {name: value for name in REQUEST_FIELDS if (value := getattr(self, name)) is not None}


class ScheduleSpec(RequestFields):
    """Says when which request is submitted: PUT /v1/schedules/{name}. Either `cron` or `every_seconds` is set."""

    cron: Cron | None = Field(
        default=None, description="Five fields, or a macro such as `@daily`.", examples=["0 7 * * 1-5"]
    )
    every_seconds: EverySeconds | None = Field(
        default=None, description="Interval in seconds, counted from when the schedule was saved."
    )
    time_zone: ZoneName = Field(default="UTC", description="Time zone for `cron`, an IANA name.")
    enabled: bool = True
    misfire: Misfire = Field(
        default=Misfire.ONCE, description="How to handle times that passed while no scheduler ran."
    )
