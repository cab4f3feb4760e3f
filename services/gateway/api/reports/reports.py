"""Serves POST /v1/reports: a report of the catalog as CSV, or one file per value of a parameter, mailed on request."""

from typing import Annotated, Any, Literal

from pydantic import Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs import graph, pointer
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.problems import FieldError
from bureau.contracts.reports import MAX_BURST, CsvFormat
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.job_builders.addresses import MAX_LISTED, MailAddress, Subject
from bureau.services.gateway.job_builders.burst import read_burst
from bureau.services.gateway.job_builders.failure_notice import who_hears_of_failure
from bureau.services.gateway.job_builders.mailing import domain_errors, follow_up_errors
from bureau.services.gateway.job_builders.report_tasks import (
    GENERATE,
    ReportDelivery,
    ReportPlan,
    report_tasks,
)
from bureau.services.gateway.problems import invalid, refuse, try_again
from bureau.services.gateway.settings import GatewaySettings
from bureau.submission.announcements import CatalogSnapshot, KnownReport
from bureau.submission.names import named
from bureau.submission.terms import new_job, terms_errors


class Burst(Contract):
    """Requests one file per value of a parameter, all from one snapshot. Each recipient gets only their own file."""

    parameter: str = Field(min_length=1, max_length=100, description="The name of one of the report's parameters.")
    recipients: dict[str, Annotated[list[MailAddress], Field(max_length=MAX_LISTED)]] = Field(
        min_length=1, max_length=MAX_BURST, description="The recipients of the file of each value."
    )


class ReportRequest(Terms):
    """Names a report of the catalog, its parameters, and the recipients of the file."""

    report: str = Field(min_length=1, max_length=100, description="The name of a report in GET /v1/catalog/reports.")
    params: dict[str, Any] = Field(default={}, description="The values that the report's params_schema asks for.")
    format: CsvFormat = CsvFormat()
    email_to: list[MailAddress] = Field(default=[], max_length=MAX_LISTED, description="The recipients of the file.")
    subject: Subject | None = Field(default=None, description="The subject of that mail.")
    burst: Burst | None = Field(
        default=None, description="Makes a file for each value of a parameter; replaces email_to."
    )
    empty: Literal["send", "note", "skip"] | None = Field(
        default=None, description="What is mailed if the report has no rows; EMPTY_REPORTS decides if it is missing."
    )
    failure_email_to: list[MailAddress] = Field(
        default=[],
        max_length=20,
        description="The recipients of a notice if the report fails; if empty, the owner if that is an address.",
    )


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def create(call: Call[ReportRequest, Nothing]) -> Reply:
        asked = call.body
        known = gateway.announcements.known()
        errors = [*terms_errors(asked), *_mail_errors(asked, gateway.settings)]
        report = find_report(asked.report, known, errors)
        plan, plan_errors = _plan(report, asked)
        refuse(errors, plan_errors)
        title = asked.title or report.description.title
        delivery = ReportDelivery(
            [*asked.burst.recipients.values()] if asked.burst else [asked.email_to],
            asked.subject,
            asked.title,
            asked.empty,
            who_hears_of_failure(asked.failure_email_to, call.owner, gateway.settings.failure_email_to),
        )
        tasks = report_tasks(plan, delivery, title, asked, known)
        return accept(gateway, call, new_job(asked, owner=call.owner, kind="report", title=title, tasks=tasks))

    return [
        submission(
            gateway,
            name="create-report",
            path="/v1/reports",
            view=create,
            summary="Make a report as CSV, mailed to `email_to`, or a file for each value of a `burst`",
            body=Body(ReportRequest),
            problems=["no-service"],
        )
    ]


def params_errors(report: KnownReport, params: dict[str, Any]) -> list[FieldError]:
    """Returns the validation errors against the report's schema.

    References to other tasks' results are refused, because there are no such tasks here.
    """
    return _reference_errors(params) or report.schema.errors(params, ["params"])


def find_report(name: str, known: CatalogSnapshot, others: list[FieldError]) -> KnownReport:
    """Returns the report.

    Raises 503 if no service has announced reports, and 422 with `others` if there is no such report.
    """
    if GENERATE not in known.tasks:
        raise try_again("no-service", "No reports service has announced itself yet; start one and try again.")
    if name not in known.reports:
        detail = f"Report {name} not found; {named('report', known.reports)}"
        raise invalid([FieldError("unknown_report", detail, "#/report"), *others])
    return known.reports[name]


def _plan(report: KnownReport, asked: ReportRequest) -> tuple[ReportPlan, list[FieldError]]:
    """Returns what to generate, and the errors of the parameters. It converts and checks each value of a burst once."""
    if asked.burst is None:
        errors = params_errors(report, asked.params)
        return ReportPlan(asked.report, asked.params, asked.format, None), errors
    values: list[Any] = []
    if not (errors := _reference_errors(asked.params)):
        values, errors = read_burst(report, asked.params, asked.burst.parameter, asked.burst.recipients)
    return ReportPlan(asked.report, asked.params, asked.format, (asked.burst.parameter, values)), errors


def _reference_errors(params: dict[str, Any]) -> list[FieldError]:
    return [
        FieldError(
            "refused", "No task comes before this one, so there is no result to refer to.", pointer.fragment(path)
        )
        for path in (("params", *reference.path) for reference in graph.references(params))
    ]


def _mail_errors(asked: ReportRequest, settings: GatewaySettings) -> list[FieldError]:
    errors = domain_errors(settings.recipient_domains, asked.failure_email_to, "#/failure_email_to")
    if asked.burst is None:
        errors += follow_up_errors(asked.email_to, asked.subject, settings.max_recipients)
        return errors + domain_errors(settings.recipient_domains, asked.email_to, "#/email_to")
    if asked.email_to:
        errors.append(FieldError("given_twice", "Give email_to or burst, not both.", "#/email_to"))
    for value, to in asked.burst.recipients.items():
        place = pointer.fragment(("burst", "recipients", value))
        if not 1 <= len(to) <= settings.max_recipients:
            detail = f"{len(to)} recipients; there are 1 to {settings.max_recipients} (MAX_RECIPIENTS) for a file."
            errors.append(FieldError("too_many" if to else "too_short", detail, place))
        errors += domain_errors(settings.recipient_domains, to, place)
    return errors
