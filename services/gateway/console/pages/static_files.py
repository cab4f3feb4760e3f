"""Serves the stylesheet, the script and the icon of the pages."""

from typing import Any

from flask import Response

from bureau.services.gateway.console.frame import STATIC, TAG
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation
from bureau.services.gateway.problems import not_found

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def operation() -> Operation[Any, Any]:
    files = {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in STATIC.iterdir()}

    def static(call: Call[Nothing, Nothing]) -> Response:
        if call.path["name"] not in files:
            raise not_found("file")
        content, media_type = files[call.path["name"]]
        return Response(content, content_type=media_type, headers={"Cache-Control": "public, max-age=86400"})

    return Operation(
        name="page-static",
        method="GET",
        path="/static/<name>",
        view=static,
        summary="Stylesheet, script and icon of the pages",
        tag=TAG,
        role=None,
        needs_ledger=False,
        answers=[Documented(200, "The file.", media_types=("text/css", "text/javascript", "image/svg+xml"))],
        api=False,
    )
