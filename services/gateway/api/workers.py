"""Serves GET /v1/workers: the worker processes of the last day."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from bureau.ledger.access.keys import Role
from bureau.ledger.dispatch import workers as ledger_workers
from bureau.ledger.dispatch.workers import WorkerRow
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, page_of


class WorkerOutage(BaseModel):
    """Describes an external dependency that the process cannot use for now."""

    name: str = Field(examples=["smtp"])
    how: str = Field(examples=["open circuit"])
    since: datetime
    why: str = Field(description="The last outage.")


class Worker(BaseModel):
    """Describes a worker process."""

    id: str
    service: str
    version: str
    host: str
    pid: int
    queue: str
    threads: int
    busy: int
    memory_bytes: int | None = Field(description="Resident memory of the process; null if its system does not tell.")
    trouble: list[WorkerOutage] = Field(description="Reported every ten seconds; empty for a worker that is not live.")
    started_at: datetime
    seen_at: datetime
    live: bool = Field(description="True if the worker was seen in the last 30 seconds and has not stopped.")


class WorkerList(BaseModel):
    """Lists a page of workers, sorted by service."""

    items: list[Worker]
    next_cursor: str | None


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def read(call: Call[Nothing, PageQuery]) -> Reply:
        rows = sorted(ledger_workers.workers(gateway.database), key=_key)
        shown, following = page_of(rows, call.query, _key)
        return Reply(200, WorkerList(items=[_worker(row) for row in shown], next_cursor=following))

    return [
        Operation(
            name="list-workers",
            method="GET",
            path="/v1/workers",
            view=read,
            summary="List the workers of the last day",
            tag="Catalog",
            role=Role.OPERATE,
            answers=[Documented(200, "A page.", WorkerList)],
            query=PageQuery,
        )
    ]


def _key(row: WorkerRow) -> tuple[str, ...]:
    return (row.service, row.id)


def _worker(row: WorkerRow) -> Worker:
    trouble = [one.model_dump() for one in row.trouble]
    return Worker.model_validate({name: getattr(row, name) for name in Worker.model_fields} | {"trouble": trouble})
