"""Serves POST /v1/artifacts/{id}/links and /v1/jobs/{id}/links, which make signed links.

A link gives everyone who has it access to one resource.
"""

import time
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.contracts.mail.mail import LONGEST_LINK_SECONDS
from bureau.ledger.access import audit, idempotency
from bureau.ledger.access.idempotency import Answer
from bureau.ledger.access.keys import Role
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.problems import not_found
from bureau.signing.signed_links import Link, Linked, NotOwned

CREATED = 201


class LinkRequest(Contract):
    """Says how long the link is valid."""

    expires_in_seconds: int = Field(default=86_400, ge=1, le=LONGEST_LINK_SECONDS)


class SignedLink(BaseModel):
    """Describes a signed link. `url` is absolute and needs no key. It gives read access only."""

    url: str
    expires_at: datetime


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [
        _operation(gateway, Linked.ARTIFACT, "Make a signed link to a file"),
        _operation(gateway, Linked.JOB, "Make a signed link to a job and its files"),
    ]


def _operation(gateway: Gateway, kind: Linked, summary: str) -> Operation[Any, Any]:
    def create(call: Call[LinkRequest, Nothing]) -> Reply:
        expires_at = int(time.time()) + call.body.expires_in_seconds
        answer = made(call, expires_at, CREATED)
        thing = call.path[f"{kind}_id"]
        with gateway.database.transaction() as connection:
            audit.note(connection, call.act(f"{kind}.link", thing, expires_in_seconds=call.body.expires_in_seconds))
            if call.reservation:
                # The location includes the time, so that a replay returns the same link.
                idempotency.answer(connection, call.reservation, Answer(CREATED, f"/{kind}/{thing}/{expires_at}"))
        return answer

    def made(call: Call[Any, Any], expires_at: int, status: int) -> Reply:
        try:
            path = gateway.gate.links.sign(Link(kind, call.path[f"{kind}_id"], expires_at), call.owner)
        except NotOwned:
            raise not_found("file" if kind is Linked.ARTIFACT else "job") from None
        url = f"{gateway.settings.base_url}{path}"
        body = SignedLink(url=url, expires_at=datetime.fromtimestamp(expires_at, UTC))
        return Reply(status, body, {"Location": url})

    def replay(call: Call[Any, Any], first: Answer) -> Reply:
        return made(call, int(first.location.rpartition("/")[2]), first.status)

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
