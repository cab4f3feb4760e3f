"""Serves GET /openapi.json: the OpenAPI document, made from the declarations of the routes."""

import json
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any

from flask import Response

from bureau.services.gateway.http.openapi import document
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation
from bureau.version import version


def operation(others: Sequence[Operation[Any, Any]], root: str) -> Operation[Any, Any]:
    """Returns the route, which describes itself as well. `root` is the path of PUBLIC_URL."""

    making = Lock()  # it takes a second: without the lock, each request that comes meanwhile would make it too

    @cache
    def text() -> bytes:
        return json.dumps(document([*others, declared], version(), root)).encode()

    def read(_: Call[Nothing, Nothing]) -> Response:
        with making:
            body = text()
        return Response(body, content_type="application/json")

    declared: Operation[Any, Any] = Operation(
        name="openapi",
        method="GET",
        path="/openapi.json",
        view=read,
        summary="Read this document",
        tag="Catalog",
        role=None,
        needs_ledger=False,
        answers=[Documented(200, "OpenAPI 3.1.", media_types=("application/json",))],
    )
    return declared
