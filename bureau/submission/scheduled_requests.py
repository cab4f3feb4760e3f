"""Checks what a schedule submits, finds the files that it refers to, and builds its job."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from bureau.contracts.jobs import graph
from bureau.contracts.jobs.jobs import JobSpec
from bureau.contracts.jobs.references import Used
from bureau.contracts.problems import FieldError
from bureau.contracts.requests.certificates import CertificatesRequest
from bureau.contracts.requests.emails import INLINE_BYTES, EmailRequest
from bureau.contracts.requests.reports import ReportRequest
from bureau.contracts.schedules.schedules import ScheduledRequest
from bureau.ledger.jobs.submit import NewJob
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.requests.certificates import certificates_errors, certificates_job, used_by_certificates
from bureau.submission.requests.emails import email_errors, email_job, used_by_email
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.requests.reports import plan_report, report_job
from bureau.submission.specs import job_from, spec_errors, used_by
from bureau.submission.terms import terms_errors

Build = Callable[[str, str, UUID | None], NewJob]
"""Builds the job for an owner, the name of the schedule and the job's id; None makes a new id."""


@dataclass(frozen=True)
class CheckedRequest:
    """Holds the errors of a request, and what builds its job if there are none; both are planned once.

    `errors` are those of its own submission and those that only a schedule has. They are found while they are read.
    """

    errors: Iterable[FieldError]
    build: Build


def check_request(request: ScheduledRequest, known: CatalogSnapshot, limits: RequestLimits) -> CheckedRequest:
    """Checks what a schedule submits. The name of the schedule is the title of a job that has no other."""
    errors, build = _check(request, known, limits)
    return CheckedRequest(chain(_own_errors(request), errors), build)


def static_errors(request: ScheduledRequest) -> Iterator[FieldError]:
    """Yields the errors that depend neither on the catalog nor on settings."""
    yield from _own_errors(request)
    yield from terms_errors(request)
    if isinstance(request, JobSpec):
        yield from graph.errors(request.tasks)


def used_by_request(request: ScheduledRequest) -> list[Used]:
    """Returns the stored files that a request refers to, and where."""
    match request:
        case JobSpec():
            return used_by(request)
        case EmailRequest():
            return used_by_email(request)
        case CertificatesRequest():
            return used_by_certificates(request)
        case ReportRequest():
            return []


def _check(
    request: ScheduledRequest, known: CatalogSnapshot, limits: RequestLimits
) -> tuple[Iterable[FieldError], Build]:
    match request:
        case JobSpec():
            return spec_errors(request, known), lambda owner, name, job_id: job_from(
                request, owner, known, job_id=job_id, title=name
            )
        case ReportRequest():
            plan, errors = plan_report(request, known, limits)
            return errors, lambda owner, _, job_id: report_job(request, plan, owner, known, limits, job_id=job_id)
        case EmailRequest():
            return email_errors(request, known, limits), lambda owner, _, job_id: email_job(
                request, owner, known, job_id=job_id
            )
        case CertificatesRequest():
            return certificates_errors(request, limits), lambda owner, name, job_id: certificates_job(
                request, request.files, name, owner, known, limits, job_id=job_id
            )


def _own_errors(request: ScheduledRequest) -> Iterator[FieldError]:
    return chain(_terms_of_one_job(request), _long_texts(request) if isinstance(request, EmailRequest) else ())


def _terms_of_one_job(request: ScheduledRequest) -> Iterator[FieldError]:
    mends = (
        ("run_at", "set its times with cron or every_seconds"),
        ("expires_at", "leave it out"),
        ("id", "leave it out"),
    )
    for name, mend in mends:
        if getattr(request, name) is not None:
            yield FieldError("refused", f"The job of a schedule cannot have {name}: {mend}.", f"#/{name}")


def _long_texts(mail: EmailRequest) -> Iterator[FieldError]:
    """Yields errors for texts that a submission would store as a file; a schedule keeps them in its row."""
    for name, text in (("text", mail.text), ("html", mail.html)):
        size = len(text.encode("utf-8", "replace")) if text else 0
        if size > INLINE_BYTES:
            detail = f"It is {size} bytes; a schedule takes {INLINE_BYTES}. Make it a template, or attach a file."
            yield FieldError("too_large", detail, f"#/{name}")
