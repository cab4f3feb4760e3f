"""POST /v1/reports: a report of the catalog as a CSV file, mailed on request."""

from typing import Any

from pydantic import Field

from bureau.contracts import graph, pointer
from bureau.contracts.jobs import Terms
from bureau.contracts.problems import FieldError
from bureau.contracts.reports import CsvFormat, GenerateReport
from bureau.ledger.submit import NewTask
from bureau.submission.announcements import Known, KnownReport
from bureau.submission.names import named
from bureau.submission.terms import new_job, overridden, policy_of, terms_mistakes
from services.gateway.gateway import Gateway
from services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from services.gateway.http.problems import invalid, refuse, try_again
from services.gateway.submission.accept import accept, submission
from services.gateway.submission.addresses import MailAddress, Subject
from services.gateway.submission.mailing import follow_up, follow_up_mistakes

RUN = "reports.generate"


class ReportRequest(Terms):
    """A report of the catalog, its parameters, and who gets the file."""

    report: str = Field(min_length=1, max_length=100, description="One of GET /v1/catalog/reports.")
    params: dict[str, Any] = Field(default={}, description="As the report's params_schema says.")
    format: CsvFormat = CsvFormat()
    email_to: list[MailAddress] = Field(default=[], description="Who gets the file.")
    subject: Subject | None = Field(default=None, description="Of that mail.")


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def create(call: Call[ReportRequest, Nothing]) -> Reply:
        asked = call.body
        known = gateway.announcements.known()
        mistakes = terms_mistakes(asked)
        mistakes += follow_up_mistakes(asked.email_to, asked.subject, gateway.settings.max_recipients)
        report = _report(asked.report, known, mistakes)
        refuse(mistakes, params_mistakes(report, asked.params))
        title = asked.title or report.description.title
        tasks = [_generate(asked, known), *_mails(asked, title, known)]
        job = new_job(asked, owner=call.owner, kind="report", title=title, tasks=tasks)
        return accept(gateway, call, job)

    return [
        submission(
            gateway,
            name="create-report",
            path="/v1/reports",
            view=create,
            summary="A report as CSV, mailed to `email_to`",
            body=Body(ReportRequest),
            problems=["no-service"],
        )
    ]


def params_mistakes(report: KnownReport, params: dict[str, Any]) -> list[FieldError]:
    """What does not fit the report's schema. Results of other tasks are not known here."""
    references = [
        FieldError("refused", "There is no task before this one to take a result from.", pointer.fragment(path))
        for path in (("params", *reference.path) for reference in graph.references(params))
    ]
    return references or report.schema.mistakes(params, ["params"])


def _report(name: str, known: Known, others: list[FieldError]) -> KnownReport:
    if RUN not in known.tasks:
        raise try_again("no-service", "No reports service has announced itself yet; start one and try again.")
    if name not in known.reports:
        detail = f"There is no report {name}; {named('report', known.reports)}"
        raise invalid([FieldError("unknown_report", detail, "#/report"), *others])
    return known.reports[name]


def _generate(asked: ReportRequest, known: Known) -> NewTask:
    policy = overridden(policy_of(RUN, known), asked)
    given = GenerateReport(report=asked.report, params=asked.params, format=asked.format)
    return NewTask(
        "generate",
        RUN,
        policy.queue,
        given.model_dump(mode="json", exclude_unset=True),  # the rest of the format is as the report says
        retry=policy.retry,
        time_limit_seconds=policy.time_limit_seconds,
    )


def _mails(asked: ReportRequest, title: str, known: Known) -> list[NewTask]:
    if not asked.email_to:
        return []
    return [
        follow_up(
            asked.email_to,
            asked.subject,
            template="report-ready",
            after="generate",
            attachment="artifact",
            context={"title": title, "report": asked.report, "params": asked.params},
            facts=("rows", "bytes", "sha256", "snapshot_at", "duration_seconds"),
            terms=asked,
            known=known,
        )
    ]
