"""Serves GET /openapi.json: the OpenAPI document, made from the declarations of the routes."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from flask import Response

from bureau.services.gateway.http.openapi import document
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation
from bureau.version import version


def operation(others: Sequence[Operation[Any, Any]], root: str) -> Operation[Any, Any]:
    """Returns the route, which describes itself as well. `root` is the path of PUBLIC_URL."""

    @cache
    def text() -> str:
        return json.dumps(document([*others, declared], version(), root))

    def read(_: Call[Nothing, Nothing]) -> Response:
        return Response(text(), content_type="application/json")

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
