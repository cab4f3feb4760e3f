"""Converts replies and problems into HTTP responses."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

if TYPE_CHECKING:  # it exists for type checkers only
    from _typeshed.wsgi import WSGIEnvironment

from bureau.contracts.problems import Problem
from bureau.services.gateway.http import prefix
from bureau.services.gateway.http.operation import Reply
from bureau.services.gateway.problem_model import PROBLEM_TYPE, FieldErrorModel, ProblemDocument


class JsonResponse(Response):
    """Is JSON whose head is complete when it is made: werkzeug would go through all headers once more to send it."""

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str]) -> None:
        given = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers.items()]
        super().__init__(body, status, given)

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:  # noqa: ARG002 - all requests get the same
        return self.headers


def response_of(reply: Reply | Response) -> Response:
    if isinstance(reply, Response):
        return reply
    if reply.body is None:
        empty = Response(status=reply.status, headers=reply.headers)
        del empty.headers["Content-Type"]
        return empty
    text = reply.body.model_dump_json(by_alias=True, context=_context())
    return JsonResponse(text.encode(), reply.status, reply.headers)


def problem_response(refused: Problem) -> Response:
    """Returns the problem as a response (RFC 9457)."""
    body = ProblemDocument(
        type=f"/problems/{refused.slug}",
        title=refused.title,
        status=refused.status,
        detail=refused.detail,
        errors=[FieldErrorModel(**asdict(error)) for error in refused.errors],
    )
    text = body.model_dump_json(exclude_none=True, context=_context())
    return Response(text, refused.status, refused.headers, content_type=PROBLEM_TYPE)


def _context() -> dict[str, str]:
    """Returns what the addresses in an answer need: see `LocalAddress`."""
    return {"root": prefix.current().root}
