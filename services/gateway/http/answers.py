"""Converts replies and problems into HTTP responses."""

from dataclasses import asdict

from flask import Response

from bureau.contracts.problems import Problem
from bureau.services.gateway.http import prefix
from bureau.services.gateway.http.operation import Reply
from bureau.services.gateway.problem_model import PROBLEM_TYPE, FieldErrorModel, ProblemDocument


def response_of(reply: Reply | Response) -> Response:
    if isinstance(reply, Response):
        return reply
    if reply.body is None:
        empty = Response(status=reply.status, headers=reply.headers)
        del empty.headers["Content-Type"]
        return empty
    text = reply.body.model_dump_json(by_alias=True, context=_context())
    return Response(text, reply.status, reply.headers, content_type="application/json")


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
