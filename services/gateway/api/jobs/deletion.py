"""Serves DELETE /v1/jobs/{id}: deletes a job that has ended, with everything that belongs to it."""

from typing import Any
from uuid import UUID

from bureau.ledger.access.keys import Role
from bureau.ledger.retention.delete_job import Erasing, erase
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.problems import not_found, problem


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def remove(call: Call[Nothing, Nothing]) -> Reply:
        job_id: UUID = call.path["job_id"]
        match erase(gateway.database, job_id, call.owner, call.act("job.delete", job_id)):
            case None:
                raise not_found("job", job_id)
            case Erasing.NOT_ENDED:
                raise problem("job-not-ended", "The job has not ended: cancel it first, or wait.")
        return Reply(204, None)

    return [
        Operation(
            name="delete-job",
            method="DELETE",
            path="/v1/jobs/<uuid:job_id>",
            view=remove,
            summary="Delete an ended job with its log and its files",
            tag="Act",
            role=Role.SUBMIT,
            answers=[Documented(204, "The job is deleted.")],
            problems=["job-not-ended"],
        )
    ]
