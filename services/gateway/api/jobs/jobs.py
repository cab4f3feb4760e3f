"""Serves /v1/jobs: takes any graph of tasks; lists jobs, shows a job and its tasks.

The actions on jobs are in `acts`.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import request
from pydantic import AfterValidator, AwareDatetime, Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import JobSpec
from bureau.ledger.access.keys import Role
from bureau.ledger.reads import id_part, job_queries
from bureau.ledger.reads.job_queries import JobFilter
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import prefer
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, cursor_of, cut, read_cursor
from bureau.services.gateway.http.problem_page import wants_page
from bureau.services.gateway.job_builders.accept import accept, submission
from bureau.services.gateway.models import Job, JobList, JobStateWord, TaskList, job_of, summary_of, task_of
from bureau.services.gateway.problems import not_found, refuse, try_again
from bureau.signing.signed_links import PARAMETER, Linked
from bureau.submission.specs import job_from, spec_errors, used_by
from bureau.submission.terms import EARLIEST, LATEST

FOUND_BY_ID = 200
Kind = Literal["certificates", "report", "email", "job", "preview"]


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise ValueError("a time from 1970 to 9000")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]


class JobFields(Contract):
    """Filters jobs; a field that is not given does not filter."""

    state: list[JobStateWord] = Field(default=[], description="Repeatable; jobs that match any of the values.")
    kind: Kind | None = None
    tag: str | None = Field(default=None, max_length=64)
    q: str | None = Field(default=None, max_length=200, description="A text that the title contains.")
    created_after: Moment | None = None
    created_before: Moment | None = None
    error: str | None = Field(default=None, max_length=100, description="The code of the job's error.")
    run: str | None = Field(default=None, max_length=120, description="The `run` of a task that failed in the job.")
    finished_after: Moment | None = None

    def wanted(self) -> JobFilter:
        """Returns the filter as the ledger takes it."""
        return JobFilter(
            states=tuple(self.state),
            kind=self.kind,
            tag=self.tag,
            q=self.q,
            created_after=self.created_after,
            created_before=self.created_before,
            error_code=self.error,
            failed_run=self.run,
            finished_after=self.finished_after,
        )


class JobQuery(PageQuery, JobFields):
    """Selects a page of the jobs that match."""

    id: str | None = Field(
        default=None,
        min_length=id_part.LEAST,
        max_length=36,
        description="A part of its id: four or more digits in a row. It is looked for among the newest 100,000 jobs, "
        "with `created_before` among the newest 100,000 before that time, and at most 200 jobs are found; a part with "
        "the first twelve digits is looked for among all.",
    )


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [_create(gateway), _list(gateway), _read(gateway), _tasks(gateway)]


def _create(gateway: Gateway) -> Operation[Any, Any]:
    def create(call: Call[JobSpec, Nothing]) -> Reply:
        spec = call.body
        known = gateway.announcements.known()
        if not known.tasks:
            raise try_again("no-service", "No service has announced a task yet; start one and try again.")
        refuse(spec_errors(spec, known))
        return accept(gateway, call, job_from(spec, call.owner, known), used=used_by(spec))

    return submission(
        gateway,
        name="create-job",
        path="/v1/jobs",
        view=create,
        summary="Submit any graph of tasks",
        body=Body(JobSpec),
        problems=["no-service"],
    )


def _list(gateway: Gateway) -> Operation[Any, Any]:
    def read(call: Call[Nothing, JobQuery]) -> Reply:
        query = call.query
        before = read_cursor(query.cursor, newest_first) if query.cursor is not None else None
        wanted = query.wanted()
        if query.id is not None:
            ids = id_part.jobs_with(
                gateway.database, call.owner, query.id, limit=FOUND_BY_ID, created_before=query.created_before
            )
            wanted = replace(wanted, ids=tuple(ids))
        rows = job_queries.jobs_of(gateway.database, call.owner, wanted, before=before, limit=query.limit + 1)
        shown, following = cut(rows, query.limit, lambda row: cursor_of(row.created_at.isoformat(), str(row.id)))
        return Reply(200, JobList(items=[summary_of(row) for row in shown], next_cursor=following))

    return Operation(
        name="list-jobs",
        method="GET",
        path="/v1/jobs",
        view=read,
        summary="List your jobs, newest first",
        tag="Follow",
        role=Role.VIEW,
        answers=[Documented(200, "A page.", JobList)],
        query=JobQuery,
    )


def newest_first(key: list[Any]) -> tuple[datetime, UUID]:
    """Returns the position in the list that a cursor names. Raises ValueError."""
    created_at, job_id = key
    return _in_range(datetime.fromisoformat(created_at)), UUID(job_id)


def _read(gateway: Gateway) -> Operation[Any, Any]:
    def read(call: Call[Nothing, Nothing]) -> Reply:
        job_id: UUID = call.path["job_id"]
        if call.identity.link_token and wants_page(request.accept_mimetypes):
            address = f"/jobs/{job_id}?{PARAMETER}={call.identity.link_token}"
            return Reply(303, None, {"Location": address, "Vary": "Accept"})
        headers = {}
        body = shown_job(gateway, call)
        if call.wait_seconds is not None:
            headers = prefer.applied(call.wait_seconds)
            prefer.wait_until(
                lambda: job_queries.ended(gateway.database, job_id),
                call.wait_seconds,
                gateway.stopping,
                gateway.wait_slots,
            )
            body = shown_job(gateway, call)
        return Reply(200, body, headers)

    return Operation(
        name="read-job",
        method="GET",
        path="/v1/jobs/<uuid:job_id>",
        view=read,
        summary="Read a job: state, progress, tasks, files",
        tag="Follow",
        role=Role.VIEW,
        answers=[
            Documented(200, "The job.", Job, {"Preference-Applied": "The wait that was requested."}),
            Documented(303, "The job's page, for a browser with a signed link.", None, {"Location": "The page."}),
        ],
        waits=True,
        linked=Linked.JOB,
    )


def shown_job(gateway: Gateway, call: Call[Any, Any]) -> Job:
    """Returns the job in the path as it is now.

    For a signed link, the addresses of its files carry that link's token. Raises a 404 problem.
    """
    served = gateway.announcements.known().served
    view = job_queries.job(gateway.database, call.path["job_id"], call.owner, served, tracebacks=call.identity.operates)
    if view is None:
        raise not_found("job", call.path["job_id"])
    return job_of(view, call.identity.link_token)


def _tasks(gateway: Gateway) -> Operation[Any, Any]:
    def read(call: Call[Nothing, PageQuery]) -> Reply:
        query = call.query
        after = read_cursor(query.cursor, _position) if query.cursor is not None else -1
        job_id: UUID = call.path["job_id"]
        views = job_queries.tasks_of(
            gateway.database,
            job_id,
            call.owner,
            after_position=after,
            limit=query.limit + 1,
            tracebacks=call.identity.operates,
        )
        if views is None:
            raise not_found("job", job_id)
        shown, following = cut(views, query.limit, lambda view: cursor_of(view.position))
        return Reply(200, TaskList(items=[task_of(view) for view in shown], next_cursor=following))

    return Operation(
        name="list-job-tasks",
        method="GET",
        path="/v1/jobs/<uuid:job_id>/tasks",
        view=read,
        summary="List all tasks of a job",
        tag="Follow",
        role=Role.VIEW,
        answers=[Documented(200, "A page.", TaskList)],
        query=PageQuery,
        linked=Linked.JOB,
    )


def _position(key: list[Any]) -> int:
    (position,) = key
    if type(position) is not int or not 0 <= position < 2**31:
        raise ValueError("not a position")
    return position
