"""Serves the health checks. GET /healthz: the process is alive. GET /readyz: what is not ready, by name."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from bureau.ledger.db.database import LedgerUnavailable
from bureau.messaging.broker import BrokerKind
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.health_checks import StorageProbe, StorageState
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.problems import RETRY_SECONDS


class Health(BaseModel):
    """Says that the process answers."""

    status: Literal["alive"]


class Check(BaseModel):
    """Is the check of one dependency of the gateway."""

    status: Literal["ok", "failing"]
    detail: str | None = Field(description="What is wrong, or what may soon be wrong if it is ok.")


class Readiness(BaseModel):
    """Is the result of all checks.

    `degraded`: submissions are accepted, but messages are not published. `not_ready`: nothing is accepted.
    """

    status: Literal["ready", "degraded", "not_ready"]
    checks: dict[str, Check] = Field(examples=[{"ledger": {"status": "ok", "detail": None}}])
    broker_kind: BrokerKind = Field(description="`amqp`: RabbitMQ; `memory`: in this process.")
    storage_used_percent: int | None = Field(
        description="How full the file system of a `file://` storage is; null for S3 and while the storage "
        "is unavailable."
    )


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    probe = StorageProbe(gateway.storage)

    def healthz(_: Call[Nothing, Nothing]) -> Reply:
        return Reply(200, Health(status="alive"))

    def readyz(_: Call[Nothing, Nothing]) -> Reply:
        storage = probe.look()
        checks = {"ledger": _ledger(gateway), "storage": _storage(storage), "broker": _broker(gateway)}
        status = readiness(checks)
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == "not_ready" else {}
        answer = Readiness(
            status=status,
            checks=checks,
            broker_kind=gateway.relay.broker_kind,
            storage_used_percent=storage.used_percent,
        )
        return Reply(503 if headers else 200, answer, headers)

    return [
        Operation(
            name="healthz",
            method="GET",
            path="/healthz",
            view=healthz,
            summary="Tell whether the process is alive",
            tag="Health",
            role=None,
            needs_ledger=False,
            answers=[Documented(200, "Alive.", Health)],
        ),
        Operation(
            name="readyz",
            method="GET",
            path="/readyz",
            view=readyz,
            summary="Show which parts are ready",
            tag="Health",
            role=None,
            needs_ledger=False,
            answers=[
                Documented(200, "Submissions are accepted.", Readiness),
                Documented(503, "The ledger or the storage is unavailable.", Readiness, {"Retry-After": "Seconds."}),
            ],
        ),
    ]


def readiness(checks: dict[str, Check]) -> Literal["ready", "degraded", "not_ready"]:
    """Returns the overall state.

    A broker outage alone does not stop submissions: the ledger keeps them, and their messages are published when the
    broker is back.
    """
    failing = {name for name, check in checks.items() if check.status == "failing"}
    if not failing:
        return "ready"
    return "degraded" if failing == {"broker"} else "not_ready"


def _ledger(gateway: Gateway) -> Check:
    try:
        gateway.database.ping()
    except LedgerUnavailable:
        return Check(status="failing", detail="The ledger's database does not answer.")
    return Check(status="ok", detail=None)


def _storage(state: StorageState) -> Check:
    if state.error:
        return Check(status="failing", detail=state.error.message)
    return Check(status="ok", detail=state.warning)


def _broker(gateway: Gateway) -> Check:
    relay = gateway.relay
    if relay.healthy:
        return Check(status="ok", detail=None)
    return Check(status="failing", detail="Messages cannot be published; jobs are accepted and start later.")
