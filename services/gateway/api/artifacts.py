"""Serves GET /v1/artifacts/{id}/{name}: a stored file, with ETag and range requests."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.http import http_date

from bureau.ledger.access.keys import Role
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.files import ranges
from bureau.services.gateway.http.files.disposition import attachment
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation
from bureau.services.gateway.problems import not_found, problem
from bureau.signing.signed_links import Linked
from bureau.storage import Storage

_HEADERS = {
    "ETag": "The file's SHA-256.",
    "Accept-Ranges": "`bytes`.",
    "Last-Modified": "When the file was stored.",
    "Content-Disposition": "`attachment` and the file's name.",
    "Content-Length": "Bytes.",
}


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def read(call: Call[Nothing, Nothing]) -> Response:
        artifact_id: UUID = call.path["artifact_id"]
        stored = artifacts.find(gateway.database, artifact_id, call.owner)
        if stored is None or stored.name != call.path["name"]:
            raise not_found("file")
        return _response(gateway.storage, stored, call)

    return [
        Operation(
            name="read-artifact",
            method="GET",
            path="/v1/artifacts/<uuid:artifact_id>/<name>",
            view=read,
            summary="Download a stored file",
            linked=Linked.ARTIFACT,
            tag="Follow",
            role=Role.VIEW,
            answers=[
                Documented(200, "The file.", headers=_HEADERS, media_types=("*/*",)),
                Documented(
                    206, "A part of the file.", headers={**_HEADERS, "Content-Range": "Which."}, media_types=("*/*",)
                ),
                Documented(304, "The file has not changed.", headers={"ETag": "The file's SHA-256."}),
            ],
            problems=["precondition-failed", "range-not-satisfiable", "storage-unavailable"],
            request_headers={
                "Range": "One range of bytes.",
                "If-Range": "An ETag or date; the range is returned only if the file is still that version.",
                "If-None-Match": "ETags of the versions that the client has.",
                "If-Match": "ETags of the versions that the client accepts.",
            },
        )
    ]


def _response(storage: Storage, stored: StoredArtifact, call: Call[Any, Any]) -> Response:
    headers = {
        "ETag": f'"{stored.sha256}"',
        "Last-Modified": http_date(stored.created_at),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
    }
    match ranges.select_response(call.method, call.headers, stored.sha256, stored.created_at, stored.size):
        case ranges.PreconditionFailed():
            raise problem("precondition-failed", "The file's ETag is not among those in If-Match.")
        case ranges.OutOfRange():
            size = {"Content-Range": f"bytes */{stored.size}"}
            raise problem("range-not-satisfiable", f"The file has {stored.size} bytes.", headers=size)
        case ranges.NotModified():
            return Response(status=304, headers=headers)
        case ranges.ByteRange(start, end):
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
            return _contents(storage, stored, call.method, headers, start, end, 206)
        case ranges.Whole():
            return _contents(storage, stored, call.method, headers, 0, stored.size, 200)


def _contents(
    storage: Storage, stored: StoredArtifact, method: str, headers: dict[str, str], start: int, end: int, status: int
) -> Response:
    response = Response(status=status, headers=headers, content_type=stored.media_type)
    response.headers["Content-Disposition"] = attachment(stored.name)
    if method != "HEAD" and end > start:
        response.response = _begun(storage.read(stored.key, start=start, end=end))
    response.content_length = end - start
    return response


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Returns the chunks after reading the first, so that a storage error is seen before the status line is sent."""
    first = next(chunks, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from chunks

    return rest()
