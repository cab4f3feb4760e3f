"""POST /v1/artifacts/{id}/links, /v1/jobs/{id}/links: an address that opens one thing to whoever has it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.ledger.access import audit, idempotency
from bureau.ledger.access.idempotency import Answer
from bureau.ledger.access.keys import Role
from bureau.ledger.files import artifacts
from bureau.ledger.reads import job_queries
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.files.disposition import path_segment
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.problems import not_found
from bureau.signing.signed_links import PARAMETER, Link, Linked

CREATED = 201
LONGEST_SECONDS = 31 * 86_400  # a link is revoked by nothing but time (or a new LINK_SECRET)

Find = Callable[[Call[Any, Any]], str]


class LinkRequest(Contract):
    """For how long."""

    expires_in_seconds: int = Field(default=86_400, ge=1, le=LONGEST_SECONDS)


class SignedLink(BaseModel):
    """`url` is absolute and needs no key. It reads, and changes nothing."""

    url: str
    expires_at: datetime


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def file(call: Call[Any, Any]) -> str:
        stored = artifacts.find(gateway.database, call.path["artifact_id"], call.owner)
        if stored is None:
            raise not_found("file")
        return f"/v1/artifacts/{stored.id}/{path_segment(stored.name)}"

    def job(call: Call[Any, Any]) -> str:
        job_id: UUID = call.path["job_id"]
        if job_queries.tasks_of(gateway.database, job_id, call.owner, after_position=-1, limit=1) is None:
            raise not_found("job")
        return f"/v1/jobs/{job_id}"

    return [
        _operation(gateway, Linked.ARTIFACT, "A link to the file", file),
        _operation(gateway, Linked.JOB, "A link to the job and its files", job),
    ]


def _operation(gateway: Gateway, kind: Linked, summary: str, address: Find) -> Operation[Any, Any]:
    def create(call: Call[LinkRequest, Nothing]) -> Reply:
        path = address(call)
        expires_at = int(time.time()) + call.body.expires_in_seconds
        thing = call.path[f"{kind}_id"]
        with gateway.database.transaction() as connection:
            audit.note(connection, call.act(f"{kind}.link", thing, expires_in_seconds=call.body.expires_in_seconds))
            if call.reservation:
                # With the time in it: the same request is answered with the same link.
                idempotency.answer(connection, call.reservation, Answer(CREATED, f"/{kind}/{thing}/{expires_at}"))
        return made(call, path, expires_at, CREATED)

    def made(call: Call[Any, Any], path: str, expires_at: int, status: int) -> Reply:
        token = gateway.gate.links.token(Link(kind, call.path[f"{kind}_id"], expires_at))
        url = f"{gateway.settings.base_url}{path}?{PARAMETER}={token}"
        body = SignedLink(url=url, expires_at=datetime.fromtimestamp(expires_at, UTC))
        return Reply(status, body, {"Location": url})

    def replay(call: Call[Any, Any], first: Answer) -> Reply:
        return made(call, address(call), int(first.location.rpartition("/")[2]), first.status)

    return Operation(
        name=f"create-{kind}-link",
        method="POST",
        path=f"/v1/{kind}s/<uuid:{kind}_id>/links",
        view=create,
        summary=summary,
        tag="Follow",
        role=Role.SUBMIT,
        answers=[
            Documented(
                CREATED,
                "Made.",
                SignedLink,
                {"Location": "The link.", "Idempotent-Replayed": "`true`: this request was answered before."},
            )
        ],
        body=Body(LinkRequest),
        replay=replay,
    )
