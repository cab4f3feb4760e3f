"""Checks a request for a report, and builds its job."""

from typing import Any
from uuid import UUID

from bureau.contracts.jobs import graph, pointer
from bureau.contracts.problems import NO_SERVICE, FieldError
from bureau.contracts.requests.reports import ReportRequest
from bureau.ledger.jobs.submit import NewJob
from bureau.submission.announcements import CatalogSnapshot, KnownReport
from bureau.submission.names import named
from bureau.submission.requests.burst import burst_errors, burst_values
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.requests.recipients import domain_errors, follow_up_errors
from bureau.submission.requests.report_tasks import (
    GENERATE,
    ReportDelivery,
    ReportPlan,
    report_tasks,
    who_hears_of_failure,
)
from bureau.submission.terms import new_job, terms_errors


def report_errors(asked: ReportRequest, known: CatalogSnapshot, limits: RequestLimits) -> list[FieldError]:
    """Returns all errors of a request; one with the code `NO_SERVICE` if no service has announced reports."""
    errors = [*terms_errors(asked), *_mail_errors(asked, limits)]
    if GENERATE not in known.tasks:
        detail = "No reports service has announced itself yet; start one and try again."
        return [*errors, FieldError(NO_SERVICE, detail, "#/report")]
    report = known.reports.get(asked.report)
    if report is None:
        detail = f"There is no report {asked.report}; {named('report', known.reports)}"
        return [FieldError("unknown_report", detail, "#/report"), *errors]
    return [*errors, *_params_errors(report, asked)]


def params_errors(report: KnownReport, params: dict[str, Any]) -> list[FieldError]:
    """Returns the validation errors against the report's schema.

    References to other tasks' results are refused, because there are no such tasks here.
    """
    references = [
        FieldError("refused", "There is no task before this one to take a result from.", pointer.fragment(path))
        for path in (("params", *reference.path) for reference in graph.references(params))
    ]
    return references or report.schema.errors(params, ["params"])


def report_job(
    asked: ReportRequest, owner: str, known: CatalogSnapshot, limits: RequestLimits, *, job_id: UUID | None = None
) -> NewJob:
    """Builds the job of a request without errors.

    A report that no service announces has its name as the title. A burst needs the announcement, which says what its
    values are.
    """
    report = known.reports.get(asked.report)
    title = asked.title or (report.description.title if report else asked.report)
    burst = None
    if asked.burst:
        if report is None:
            raise ValueError(f"a burst of {asked.report}, which no service announces")
        burst = (asked.burst.parameter, burst_values(report, asked.burst.parameter, asked.burst.recipients))
    delivery = ReportDelivery(
        [*asked.burst.recipients.values()] if asked.burst else [asked.email_to],
        asked.subject,
        asked.title,
        asked.empty,
        who_hears_of_failure(asked.failure_email_to, owner, limits.failure_email_to),
    )
    wanted = ReportPlan(asked.report, asked.params, asked.format, burst)
    tasks = report_tasks(wanted, delivery, title, asked, known)
    return new_job(asked, owner=owner, kind="report", title=title, tasks=tasks, job_id=job_id)


def _params_errors(report: KnownReport, asked: ReportRequest) -> list[FieldError]:
    if asked.burst is None or graph.references(asked.params):
        return params_errors(report, asked.params)
    return burst_errors(report, asked.params, asked.burst.parameter, asked.burst.recipients)


def _mail_errors(asked: ReportRequest, limits: RequestLimits) -> list[FieldError]:
    errors = domain_errors(limits, asked.failure_email_to, "#/failure_email_to")
    if asked.burst is None:
        return errors + follow_up_errors(limits, asked.email_to, asked.subject)
    if asked.email_to:
        errors.append(FieldError("given_twice", "Give email_to or burst, not both.", "#/email_to"))
    for value, to in asked.burst.recipients.items():
        place = pointer.fragment(("burst", "recipients", value))
        if not 1 <= len(to) <= limits.max_recipients:
            detail = f"{len(to)} recipients; there are 1 to {limits.max_recipients} (MAX_RECIPIENTS) for a file."
            errors.append(FieldError("too_many" if to else "too_short", detail, place))
        errors += domain_errors(limits, to, place)
    return errors
