"""Serves POST /v1/files: stores a file that later requests can refer to."""

from typing import Any
from uuid import UUID

from bureau.contracts.base import Contract
from bureau.ledger.access import idempotency
from bureau.ledger.access.idempotency import Answer
from bureau.ledger.access.keys import Role
from bureau.ledger.files import artifacts
from bureau.services.gateway.auth import quota
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing.multipart import Files
from bureau.services.gateway.job_builders.uploads import storing
from bureau.services.gateway.models import Artifact, artifact_of
from bureau.services.gateway.problems import not_found

CREATED = 201


class FileForm(Contract):
    """Has no fields, because the file is the only part."""


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    rule = Files("file", at_least=1, at_most=1, max_bytes=gateway.settings.max_file_bytes, at_most_by="POST /v1/files")

    def create(call: Call[FileForm, Nothing]) -> Reply:
        with storing(gateway.storage, call.owner) as store:
            stored = store(call.files[0])
            # The location leaves out the name, which may be long: a replay renders the answer again from the id.
            first = Answer(CREATED, f"/v1/artifacts/{stored.id}") if call.reservation else None
            with gateway.database.transaction() as connection:
                quota.hold(connection, gateway.settings, call.identity, size=stored.size)
                artifacts.insert_artifacts(connection, [stored])
                if call.reservation and first:
                    idempotency.answer(connection, call.reservation, first)
        return created(call, stored.id, CREATED)

    def replay(call: Call[Any, Any], first: Answer) -> Reply:
        return created(call, UUID(first.location.rpartition("/")[2]), first.status)

    def created(call: Call[Any, Any], file_id: UUID, status: int) -> Reply:
        stored = artifacts.find(gateway.database, file_id, call.owner)  # reads the times that the ledger has set
        if stored is None:
            raise not_found("file")
        file = artifact_of(stored)
        return Reply(status, file, {"Location": file.url})

    headers = {"Location": "The file.", "Idempotent-Replayed": "`true`: this request was answered before."}
    return [
        Operation(
            name="create-file",
            method="POST",
            path="/v1/files",
            view=create,
            summary="Store a file that jobs can refer to",
            tag="Submit",
            role=Role.SUBMIT,
            answers=[Documented(CREATED, "Stored.", Artifact, headers)],
            body=Body(FileForm, json=False, files=rule),
            problems=["storage-unavailable", "too-many-bytes-stored"],
            replay=replay,
        )
    ]
