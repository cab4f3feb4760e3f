"""GET /problems/<slug>: explains a problem type."""

from typing import Any

from flask import Response

from bureau.services.gateway.console.frame import Frame
from bureau.services.gateway.http.operation import Call, Nothing, Operation
from bureau.services.gateway.problems import KINDS, not_found


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    def problem(call: Call[Nothing, Nothing]) -> Response:
        kind = KINDS.get(call.path["slug"])
        if kind is None:
            raise not_found("kind of problem")
        return frame.page("problem.html", kind=kind)

    return [
        frame.get("problem", "/problems/<slug>", problem, "What a problem's type means", role=None, needs_ledger=False)
    ]
