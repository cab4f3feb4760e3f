"""Each answer of a gateway under test, held against its OpenAPI document."""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import httpx
from flask import Flask
from werkzeug.exceptions import HTTPException

from bureau.ledger.db.database import Database
from bureau.services.gateway.app import create_app
from bureau.services.gateway.context import Relay
from bureau.services.gateway.settings import GatewaySettings
from bureau.storage import Storage


@cache
def _responses_of(make: Callable[[], Flask]) -> dict[str, Any]:
    """By operation. The same for every gateway, and made once: it takes a second."""
    found: dict[str, Any] = make().test_client().get("/openapi.json").get_json()
    return {
        operation["operationId"]: operation["responses"]
        for methods in found["paths"].values()
        for method, operation in methods.items()
        if method != "head"
    }


def _gateway() -> Flask:
    storage = Storage.from_url("file://never")
    return create_app(GatewaySettings(), Database("sqlite:///never.db"), storage, cast("Relay", None))


def described_by(app: Flask) -> Callable[[httpx.Response], None]:
    """A hook for a client: raises AssertionError for a status that the document does not list for its operation."""
    document = _responses_of(_gateway)

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
