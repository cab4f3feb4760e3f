"""Serves POST /v1/jobs/batch: up to 1,000 jobs in one transaction, all or none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.contracts.ids import new_id
from bureau.contracts.jobs.jobs import JobSpec
from bureau.contracts.problems import FieldError, first_errors
from bureau.ledger.access import idempotency
from bureau.ledger.access.idempotency import Answer, KeyTaken
from bureau.ledger.access.keys import Role
from bureau.ledger.files.artifacts import ArtifactGone
from bureau.ledger.jobs.submit import JobIdTaken, insert_job
from bureau.ledger.reads import job_queries
from bureau.metrics.http import SUBMISSIONS
from bureau.services.gateway.auth import quota
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.idempotency import REPLAYED, reserved
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.job_builders.accept import ID_TAKEN, QUOTAS, id_taken
from bureau.services.gateway.models import JobSummary, summary_of
from bureau.services.gateway.problems import invalid, try_again
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.specs import job_from, spec_errors, used_by

MAX_JOBS = 1000
MAX_BATCH_TASKS = 10_000  # of all jobs together, because one transaction writes them and others wait for it


class BatchRequest(Contract):
    """Holds the jobs, each in the form that POST /v1/jobs takes."""

    jobs: list[JobSpec] = Field(min_length=1, max_length=MAX_JOBS)


class BatchAnswer(BaseModel):
    """Lists the accepted jobs, in the order of the request."""

    items: list[JobSummary]


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def create(call: Call[BatchRequest, Nothing]) -> Reply:
        if call.admission:
            call.admission.settle()
        known = gateway.announcements.known()
        if not known.tasks:
            raise try_again("no-service", "No service has announced a task yet; start one and try again.")
        if errors := first_errors(_errors(call.body, known)):
            first = idempotency.given_before(gateway.database, call.once) if call.once else None
            if first is None:
                raise invalid(errors)
            return replace(replay(call, first), headers=REPLAYED)  # it was accepted when it was sent first
        held = call.reservation or call.once
        token = held.token if held else new_id()
        jobs = [
            job_from(spec, call.owner, known, job_id=job_id)
            for spec, job_id in zip(call.body.jobs, _ids(token, call), strict=True)
        ]
        try:
            with gateway.database.transaction() as connection:
                quota.hold(connection, gateway.settings, call.identity, jobs=len(jobs))
                if call.once:
                    idempotency.take(connection, call.once, Answer(202, str(token)))
                for job in jobs:
                    insert_job(connection, job)
                if call.reservation:
                    idempotency.answer(connection, call.reservation, Answer(202, str(token)))
        except ArtifactGone as gone:
            raise invalid(_gone(call.body, gone)) from None
        except KeyTaken:
            return again(call)
        except JobIdTaken as taken:
            raise id_taken(taken.job_id) from None
        gateway.relay.wake()
        for job in jobs:
            SUBMISSIONS.labels(job.kind).inc()
        return Reply(202, _items(gateway, call, token))

    def again(call: Call[BatchRequest, Nothing]) -> Reply:
        """Returns the answer stored for the key, or submits the jobs if that answer has expired."""
        if call.once is None:
            raise TypeError("a batch without an Idempotency-Key was repeated")
        return reserved(
            gateway.held_keys,
            call.once.scope,
            call.once.fingerprint,
            lambda held: create(replace(call, once=None, reservation=held)),
            lambda first: replay(call, first),
        )

    def replay(call: Call[BatchRequest, Nothing], first: Answer) -> Reply:
        return Reply(first.status, _items(gateway, call, UUID(first.location)))

    return [
        Operation(
            name="create-jobs",
            method="POST",
            path="/v1/jobs/batch",
            view=create,
            summary="Submit many jobs at once: all or none",
            tag="Submit",
            role=Role.SUBMIT,
            answers=[Documented(202, "Accepted.", BatchAnswer, {"Idempotent-Replayed": "`true` for a replay."})],
            problems=["no-service", ID_TAKEN, *QUOTAS],
            body=Body(BatchRequest),
            replay=replay,
            submits=True,
        )
    ]


def _ids(token: UUID, call: Call[BatchRequest, Nothing]) -> list[UUID]:
    """Returns the ids that the client chose, and derives the others from the token, so that a replay finds the jobs."""
    return [spec.id or uuid5(token, str(index)) for index, spec in enumerate(call.body.jobs)]


def _items(gateway: Gateway, call: Call[BatchRequest, Nothing], token: UUID) -> BatchAnswer:
    rows = job_queries.jobs_by_id(gateway.database, call.owner, _ids(token, call))
    return BatchAnswer(items=[summary_of(row) for row in rows])


def _errors(request: BatchRequest, known: CatalogSnapshot) -> Iterator[FieldError]:
    if (tasks := sum(len(spec.tasks) for spec in request.jobs)) > MAX_BATCH_TASKS:
        detail = f"A batch has at most {MAX_BATCH_TASKS} tasks; this one has {tasks}. Split it into several batches."
        yield FieldError("too_many_tasks", detail, "#/jobs")
        return
    for index, spec in enumerate(request.jobs):
        yield from spec_errors(spec, known, ("jobs", index))


def _gone(request: BatchRequest, gone: ArtifactGone) -> list[FieldError]:
    return [
        FieldError("unknown_artifact", f"File {one.artifact} not found.", f"#/jobs/{index}")
        for index, spec in enumerate(request.jobs)
        for one in used_by(spec)
        if one.artifact in gone.missing
    ]
