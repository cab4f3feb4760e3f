"""Serves POST /v1/certificates/{serial}/revoke: the certificate's public page shows the revocation from then on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.ledger.access import certificates, idempotency
from bureau.ledger.access.certificates import Issued
from bureau.ledger.access.idempotency import Answer
from bureau.ledger.access.keys import Role
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.problems import not_found

_REPLAYED = {"Idempotent-Replayed": "`true` for a replay."}


class Revoking(Contract):
    """Gives the reason, which is shown to everyone who scans the certificate."""

    reason: str | None = Field(default=None, min_length=1, max_length=300, description="The public page shows it.")


class CertificateRevoked(BaseModel):
    """Describes a certificate of the register. `revoked_at` and `reason` are those of the first revocation."""

    serial: str
    job_id: UUID
    issued_at: datetime
    revoked_at: datetime | None
    reason: str | None


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def revoke(call: Call[Revoking, Nothing]) -> Reply:
        serial = call.path["serial"]
        act = call.act("certificate.revoke", serial, **({"reason": call.body.reason} if call.body.reason else {}))
        revoked = certificates.revoke(gateway.database, serial, call.body.reason, act, owner=_whose(call))
        if revoked is None:
            raise not_found("certificate", serial)
        if call.reservation:
            with gateway.database.transaction() as connection:
                idempotency.answer(connection, call.reservation, Answer(200, f"/v1/certificates/{serial}"))
        return Reply(200, _shown(revoked))

    def again(call: Call[Revoking, Nothing], first: Answer) -> Reply:
        found = certificates.find(gateway.database, call.path["serial"])
        if found is None:
            raise not_found("certificate")
        return Reply(first.status, _shown(found))

    return [
        Operation(
            name="revoke-certificate",
            method="POST",
            path="/v1/certificates/<serial>/revoke",
            view=revoke,
            summary="Revoke a certificate; its public page then says so",
            tag="Act",
            role=Role.SUBMIT,
            answers=[Documented(200, "The certificate is revoked.", CertificateRevoked, _REPLAYED)],
            body=Body(Revoking),
            replay=again,
        )
    ]


def _whose(call: Call[Any, Any]) -> str | None:
    """Returns the owner whose certificates the caller may revoke: None (all) for an operator, else the caller's own."""
    return None if call.identity.role.includes(Role.OPERATE) else call.owner


def _shown(issued: Issued) -> CertificateRevoked:
    return CertificateRevoked(
        serial=issued.serial,
        job_id=issued.job_id,
        issued_at=issued.issued_at,
        revoked_at=issued.revoked_at,
        reason=issued.revoked_for,
    )
