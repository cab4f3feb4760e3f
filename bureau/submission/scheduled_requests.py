"""Checks what a schedule submits, finds the files that it refers to, and builds its job: one function a question."""

from collections.abc import Iterable, Iterator
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
from bureau.submission.requests.reports import report_errors, report_job
from bureau.submission.specs import job_from, spec_errors, used_by
from bureau.submission.terms import terms_errors


def request_errors(request: ScheduledRequest, known: CatalogSnapshot, limits: RequestLimits) -> Iterator[FieldError]:
    """Yields all errors of a request, as its own submission would, and those that only a schedule has."""
    yield from _own_errors(request)
    yield from _submission_errors(request, known, limits)


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


def job_of(
    request: ScheduledRequest,
    owner: str,
    name: str,
    known: CatalogSnapshot,
    limits: RequestLimits,
    *,
    job_id: UUID | None = None,
) -> NewJob:
    """Builds the job of a request without errors. `name`, the schedule's, is the title of a job that has no other."""
    match request:
        case JobSpec():
            return job_from(request, owner, known, job_id=job_id, title=name)
        case ReportRequest():
            return report_job(request, owner, known, limits, job_id=job_id)
        case EmailRequest():
            return email_job(request, owner, known, job_id=job_id)
        case CertificatesRequest():
            return certificates_job(request, request.files, name, owner, known, job_id=job_id)


def _submission_errors(
    request: ScheduledRequest, known: CatalogSnapshot, limits: RequestLimits
) -> Iterable[FieldError]:
    match request:
        case JobSpec():
            return spec_errors(request, known)
        case ReportRequest():
            return report_errors(request, known, limits)
        case EmailRequest():
            return email_errors(request, known, limits)
        case CertificatesRequest():
            return certificates_errors(request, limits)


def _own_errors(request: ScheduledRequest) -> Iterator[FieldError]:
    return chain(_absolute_times(request), _long_texts(request) if isinstance(request, EmailRequest) else ())


def _absolute_times(request: ScheduledRequest) -> Iterator[FieldError]:
    for name, mend in (("run_at", "say when in cron or every_seconds"), ("expires_at", "leave it out")):
        if getattr(request, name) is not None:
            yield FieldError("refused", f"A job that comes again has no {name}: {mend}.", f"#/{name}")


def _long_texts(mail: EmailRequest) -> Iterator[FieldError]:
    """Yields errors for texts that a submission would store as a file; a schedule keeps them in its row."""
    for name, text in (("text", mail.text), ("html", mail.html)):
        size = len(text.encode("utf-8", "replace")) if text else 0
        if size > INLINE_BYTES:
            detail = f"It is {size} bytes; a schedule takes {INLINE_BYTES}. Make it a template, or attach a file."
            yield FieldError("too_large", detail, f"#/{name}")
