"""Serves POST /v1/reports: a report of the catalog as CSV, or one file per value of a parameter, mailed on request."""

from typing import Any

from bureau.contracts.requests.reports import ReportRequest
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Nothing, Operation, Reply
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.problems import refuse_unserved
from bureau.submission.requests.reports import plan_report, report_job


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    limits = gateway.settings.limits

    def create(call: Call[ReportRequest, Nothing]) -> Reply:
        known = gateway.announcements.known()
        plan, errors = plan_report(call.body, known, limits)
        refuse_unserved(errors)
        return accept(gateway, call, report_job(call.body, plan, call.owner, known, limits))

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
