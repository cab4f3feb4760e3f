"""Serves POST /v1/reports/{name}/preview: the first rows of a report, run by a worker that has it."""

import re
from typing import Any
from uuid import UUID

from pydantic import Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.jobs.states import TaskState
from bureau.contracts.problems import FieldError
from bureau.contracts.reports import CsvFormat, ReportPreview
from bureau.ledger.access.keys import Role
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.submit import NewTask
from bureau.ledger.reads import job_queries
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import prefer
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.job_builders.accept import QUOTAS, accept
from bureau.services.gateway.problems import invalid, not_found, problem, refuse, try_again
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.names import named
from bureau.submission.requests.reports import params_errors
from bureau.submission.terms import new_job, policy_of

RUN = "reports.preview"
NAME = r"^[a-z0-9][a-z0-9_-]{0,99}$"
WAIT_SECONDS = 5.0
_FIRST = 9  # a high priority, because somebody is waiting at the screen


class ReportPreviewRequest(Contract):
    """Holds the parameters that the report runs with."""

    params: dict[str, Any] = Field(default={}, description="The values that the report's params_schema asks for.")
    format: CsvFormat = CsvFormat()


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def preview(call: Call[ReportPreviewRequest, Nothing]) -> Reply:
        name = call.path["name"]
        known = gateway.announcements.known()
        if RUN not in known.tasks:
            raise try_again("no-service", "No reports service has announced itself yet; start one and try again.")
        if not re.fullmatch(NAME, name) or name not in known.reports:
            raise problem("not-found", f"Report {name} not found; {named('report', known.reports)}")
        refuse(params_errors(known.reports[name], call.body.params))
        job = new_job(
            Terms(priority=_FIRST),
            owner=call.owner,
            kind="preview",
            title=f"Preview of {known.reports[name].description.title}",
            tasks=[_task(name, call.body, known)],
        )
        accept(gateway, call, job)
        return _answer(gateway, call, job.id, WAIT_SECONDS)

    return [
        Operation(
            name="preview-report",
            method="POST",
            path="/v1/reports/<name>/preview",
            path_patterns={"name": NAME},
            view=preview,
            summary="Preview a report: its first 50 rows, within five seconds",
            tag="Submit",
            role=Role.SUBMIT,
            answers=[Documented(200, "The rows.", ReportPreview, {"Idempotent-Replayed": "`true` for a replay."})],
            body=Body(ReportPreviewRequest),
            problems=["not-found", "no-service", "report-failed", "preview-takes-longer", *QUOTAS],
            replay=lambda call, first: _answer(gateway, call, UUID(first.location.rpartition("/")[2]), 0),
        )
    ]


def _task(name: str, asked: ReportPreviewRequest, known: CatalogSnapshot) -> NewTask:
    policy = policy_of(RUN, known)
    form = asked.format.model_dump(mode="json", exclude_unset=True)
    given = {"report": name, "params": asked.params, "format": form}
    return NewTask(
        "preview", RUN, policy.queue, given, retry=policy.retry, time_limit_seconds=policy.time_limit_seconds
    )


def _answer(gateway: Gateway, call: Call[Any, Any], job_id: UUID, wait_seconds: float) -> Reply:
    """Returns the rows, or raises the reason why there are none.

    Cancels a job that takes longer, because nobody waits for it any more.
    """
    in_time = prefer.wait_until(
        lambda: job_queries.ended(gateway.database, job_id), wait_seconds, gateway.stopping, gateway.wait_slots
    )
    if not in_time:
        cancel.cancel(gateway.database, job_id, call.owner, call.act("job.cancel", job_id))
    view = job_queries.job(gateway.database, job_id, call.owner)
    if view is None:
        raise not_found("job")
    task = view.tasks[0]
    if task.state == TaskState.SUCCEEDED:
        return Reply(200, ReportPreview.model_validate(task.result))
    error = view.error or task.error
    if not in_time or error is None or task.state == TaskState.CANCELLED:
        raise problem("preview-takes-longer", f"The first rows took longer than {WAIT_SECONDS:.0f} s; {_INSTEAD}")
    if error["code"] == "invalid_parameter":
        raise invalid([FieldError("refused", error["message"], "#/params")])
    raise problem("report-failed", error["message"])


_INSTEAD = "request the report itself, which may take longer, or narrow it with its parameters."
