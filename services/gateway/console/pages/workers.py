"""GET /workers: lists the worker processes of the last day, and the tasks that each runs."""

from typing import Any

from flask import Response

from bureau.ledger.access.keys import Role
from bureau.ledger.dispatch import workers
from bureau.ledger.reads import throughput
from bureau.ledger.reads.running_tasks import at_work
from bureau.services.gateway.console.frame import Frame
from bureau.services.gateway.http.operation import Call, Nothing, Operation

SHOWN = 200


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    database = frame.gateway.database

    def listed(call: Call[Nothing, Nothing]) -> Response:
        found = workers.workers(database)
        return frame.page(
            "workers.html",
            call,
            live=[one for one in found if one.live][:SHOWN],
            gone=[one for one in found if not one.live][:SHOWN],
            at_work=at_work(database),
            at=throughput.clock(database),
        )

    return [frame.get("workers", "/workers", listed, "A page of workers", role=Role.OPERATE)]
