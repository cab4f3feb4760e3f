"""Each answer of a gateway under test, held against its OpenAPI document."""

from collections.abc import Callable
from typing import Any

import httpx
from flask import Flask
from werkzeug.exceptions import HTTPException

_RESPONSES: dict[str, Any] = {}  # by operation: the same for every gateway, and made once, because it takes a second


def _responses(app: Flask) -> dict[str, Any]:
    if not _RESPONSES:
        document = app.test_client().get("/openapi.json").get_json()
        operations = [one for methods in document["paths"].values() for name, one in methods.items() if name != "head"]
        _RESPONSES.update({operation["operationId"]: operation["responses"] for operation in operations})
    return _RESPONSES


def described_by(app: Flask) -> Callable[[httpx.Response], None]:
    """A hook for a client: raises AssertionError for a status that the document does not list for its operation."""
    document = _responses(app)

    def check(response: httpx.Response) -> None:
        url, method = response.request.url, response.request.method
        try:
            name, _ = app.url_map.bind("localhost").match(url.path, method=method)
        except HTTPException:
            return  # nothing is at this address, or not by this method
        status = str(response.status_code)
        if status != "500" and url.path != "/openapi.json":
            listed = document[name]
            assert status in listed, f"{method} {url.path} answered {status}; the document of {name} lists {[*listed]}"

    return check
