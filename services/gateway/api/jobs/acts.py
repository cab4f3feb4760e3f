"""Serves the actions on jobs: cancel and retry, for one job or for all that match a filter."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.ledger.access import audit, idempotency
from bureau.ledger.access.idempotency import Answer
from bureau.ledger.access.keys import Role
from bureau.ledger.jobs import cancel as act
from bureau.ledger.jobs import retry_job
from bureau.ledger.jobs.cancel import Cancelling
from bureau.ledger.jobs.many import bulk_actions
from bureau.ledger.jobs.many.bulk_actions import BulkAct
from bureau.ledger.jobs.retry_job import Retrying
from bureau.services.gateway.api.jobs.jobs import JobFields, shown_job
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply, View
from bureau.services.gateway.models import Job
from bureau.services.gateway.problems import not_found, problem

REPLAYED = {"Idempotent-Replayed": "`true` for a replay."}


class BulkRequest(Contract):
    """Selects the jobs and the safety checks. `expect` is the count that a dry run returned."""

    filter: JobFields = JobFields()
    dry_run: bool = Field(default=False, description="Count only; change nothing.")
    expect: int | None = Field(
        default=None, ge=0, description="The expected number of jobs; 409 if another number matches."
    )
    per_second: float | None = Field(default=None, gt=0, le=10_000, description="Spreads the retries over time.")


class BulkAnswer(BaseModel):
    """Tells how many jobs match, how many failed ones there are by error code, and how many were changed."""

    count: int
    by_error: dict[str, int]
    changed: int
    dry_run: bool


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [
        _on_one(
            gateway,
            "cancel",
            _cancel(gateway),
            "Cancel a job: tasks that wait are cancelled, running ones are stopped",
            "job-ended",
        ),
        _on_one(
            gateway, "retry", _retry(gateway), "Retry a job: run the tasks that did not succeed again", "job-not-failed"
        ),
        _on_many(gateway, BulkAct.CANCEL, "Cancel the jobs that match"),
        _on_many(gateway, BulkAct.RETRY, "Retry the failed and cancelled jobs that match"),
    ]


def _cancel(gateway: Gateway) -> View[Nothing, Nothing]:
    def cancel(call: Call[Nothing, Nothing]) -> Reply:
        job_id: UUID = call.path["job_id"]
        match act.cancel(gateway.database, job_id, call.owner, call.act("job.cancel", job_id)):
            case None:
                raise not_found("job", job_id)
            case Cancelling.ENDED:
                raise problem("job-ended", "The job ended before it was cancelled.")
        return _done(gateway, call)

    return cancel


def _retry(gateway: Gateway) -> View[Nothing, Nothing]:
    def again(call: Call[Nothing, Nothing]) -> Reply:
        job_id: UUID = call.path["job_id"]
        match retry_job.retry(gateway.database, job_id, call.owner, call.act("job.retry", job_id)):
            case None:
                raise not_found("job", job_id)
            case Retrying.NOT_ENDED:
                raise problem("job-not-failed", "The job has not ended: cancel it first, or wait.")
            case Retrying.SUCCEEDED:
                raise problem("job-not-failed", "The job succeeded, so it cannot be retried.")
        gateway.relay.wake()
        return _done(gateway, call)

    return again


def _done(gateway: Gateway, call: Call[Any, Any]) -> Reply:
    job_id: UUID = call.path["job_id"]
    if call.reservation:
        with gateway.database.transaction() as connection:
            idempotency.answer(connection, call.reservation, Answer(200, f"/v1/jobs/{job_id}"))
    return Reply(200, shown_job(gateway, call))


def _on_one(
    gateway: Gateway, verb: str, view: View[Nothing, Nothing], summary: str, refusal: str
) -> Operation[Any, Any]:
    return Operation(
        name=f"{verb}-job",
        method="POST",
        path=f"/v1/jobs/<uuid:job_id>/{verb}",
        view=view,
        summary=summary,
        tag="Act",
        role=Role.SUBMIT,
        answers=[Documented(200, "The job in its present state.", Job, REPLAYED)],
        problems=[refusal],
        replay=lambda call, first: Reply(first.status, shown_job(gateway, call)),
    )


def _on_many(gateway: Gateway, what: BulkAct, summary: str) -> Operation[Any, Any]:
    def act_on_many(call: Call[BulkRequest, Nothing]) -> Reply:
        asked = call.body
        wanted = asked.filter.wanted()
        counted = bulk_actions.count(gateway.database, call.owner, what, wanted)
        if asked.expect is not None and asked.expect != counted.count:
            detail = f"{counted.count} jobs match, but `expect` is {asked.expect}. Nothing was changed."
            raise problem("count-changed", detail)
        changed = 0
        if not asked.dry_run:
            noted = audit.begin(gateway.database, call.act(f"jobs.{what}", filter=_audit_details(asked)))
            changed = bulk_actions.apply(
                gateway.database, call.owner, what, wanted, at_most=counted.count, per_second=asked.per_second
            )
            audit.end(gateway.database, noted, changed)
            gateway.relay.wake()
        answer = BulkAnswer(count=counted.count, by_error=counted.by_error, changed=changed, dry_run=asked.dry_run)
        if call.reservation:
            with gateway.database.transaction() as connection:
                idempotency.answer(connection, call.reservation, Answer(200, f"/v1/jobs/{what}"))
        return Reply(200, answer)

    return Operation(
        name=f"{what}-jobs",
        method="POST",
        path=f"/v1/jobs/{what}",
        view=act_on_many,
        summary=summary,
        tag="Act",
        role=Role.OPERATE,
        answers=[Documented(200, "How many matched, and how many were changed.", BulkAnswer, REPLAYED)],
        problems=["count-changed"],
        body=Body(BulkRequest),
        replay=lambda call, first: Reply(first.status, _counted_again(gateway, call, what)),
    )


def _audit_details(asked: BulkRequest) -> dict[str, Any]:
    """Returns the filter as it was given, for the audit log."""
    return asked.filter.model_dump(mode="json", exclude_defaults=True)


def _counted_again(gateway: Gateway, call: Call[BulkRequest, Nothing], what: BulkAct) -> BulkAnswer:
    """Returns what matches now. A replay changes nothing."""
    counted = bulk_actions.count(gateway.database, call.owner, what, call.body.filter.wanted())
    return BulkAnswer(count=counted.count, by_error=counted.by_error, changed=0, dry_run=call.body.dry_run)
