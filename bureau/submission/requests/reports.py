"""Checks a request for a report, and builds its job."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from bureau.contracts.jobs import graph, pointer
from bureau.contracts.problems import NO_SERVICE, FieldError
from bureau.contracts.requests.reports import ReportRequest
from bureau.ledger.jobs.submit import NewJob
from bureau.submission.announcements import CatalogSnapshot, KnownReport
from bureau.submission.names import named
from bureau.submission.requests.burst import read_burst
from bureau.submission.requests.failure_notice import who_hears_of_failure
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.requests.recipients import domain_errors, follow_up_errors
from bureau.submission.requests.report_tasks import (
    GENERATE,
    ReportDelivery,
    ReportPlan,
    report_tasks,
)
from bureau.submission.terms import new_job, terms_errors


def plan_report(
    asked: ReportRequest, known: CatalogSnapshot, limits: RequestLimits
) -> tuple[ReportPlan, list[FieldError]]:
    """Returns what to generate, and all errors of a request. It converts and checks each value of a burst once.

    One error has the code `NO_SERVICE` if no service has announced reports.
    """
    plan = ReportPlan(asked.report, asked.params, asked.format, None)
    errors = [*terms_errors(asked), *_mail_errors(asked, limits)]
    if GENERATE not in known.tasks:
        detail = "No reports service has announced itself yet; start one and try again."
        return plan, [*errors, FieldError(NO_SERVICE, detail, "#/report")]
    report = known.reports.get(asked.report)
    if report is None:
        detail = f"Report {asked.report} not found; {named('report', known.reports)}"
        return plan, [FieldError("unknown_report", detail, "#/report"), *errors]
    if asked.burst is None:
        return plan, [*errors, *params_errors(report, asked.params)]
    if references := _reference_errors(asked.params):
        return plan, [*errors, *references]
    values, wrong = read_burst(report, asked.params, asked.burst.parameter, asked.burst.recipients)
    return replace(plan, burst=(asked.burst.parameter, values)), [*errors, *wrong]


def params_errors(report: KnownReport, params: dict[str, Any]) -> list[FieldError]:
    """Returns the validation errors against the report's schema.

    References to other tasks' results are refused, because there are no such tasks here.
    """
    return _reference_errors(params) or report.schema.errors(params, ["params"])


def report_job(
    asked: ReportRequest,
    plan: ReportPlan,
    owner: str,
    known: CatalogSnapshot,
    limits: RequestLimits,
    *,
    job_id: UUID | None = None,
) -> NewJob:
    """Builds the job of a request whose plan has no errors.

    A report that no service announces has its name as the title.
    """
    report = known.reports.get(asked.report)
    title = asked.title or (report.description.title if report else asked.report)
    delivery = ReportDelivery(
        [*asked.burst.recipients.values()] if asked.burst else [asked.email_to],
        asked.subject,
        asked.title,
        asked.empty,
        who_hears_of_failure(asked.failure_email_to, owner, limits.failure_email_to),
    )
    tasks = report_tasks(plan, delivery, title, asked, known)
    return new_job(asked, owner=owner, kind="report", title=title, tasks=tasks, job_id=job_id)


def _reference_errors(params: dict[str, Any]) -> list[FieldError]:
    return [
        FieldError(
            "refused", "No task comes before this one, so there is no result to refer to.", pointer.fragment(path)
        )
        for path in (("params", *reference.path) for reference in graph.references(params))
    ]


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
