"""GET /keys: lists the keyboard shortcuts."""

from typing import Any

from flask import Response

from bureau.services.gateway.console.frame import Frame
from bureau.services.gateway.http.operation import Call, Nothing, Operation


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    def keys(call: Call[Nothing, Nothing]) -> Response:
        return frame.page("keys.html", call)

    return [frame.get("keys", "/keys", keys, "What the keyboard does on the pages")]
