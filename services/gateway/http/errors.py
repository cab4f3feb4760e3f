"""Converts every error into a problem, so that no internal detail leaves the process."""

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from bureau.contracts.errors import TaskError, TransientError
from bureau.contracts.problems import Problem, ProblemError
from bureau.ledger.db.database import LedgerUnavailable
from bureau.services.gateway.http.answers import problem_response
from bureau.services.gateway.http.problem_page import problem_page, wants_page
from bureau.services.gateway.problems import KINDS, RETRY_SECONDS

log = structlog.get_logger(__name__)

_SLUGS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}


def add_error_handlers(app: Flask) -> None:
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> Response:
    refused = problem_of(error)
    if refused.status == 500:
        log.error("request failed", exc_info=error)
    if wants_page(request.accept_mimetypes):
        return problem_page(refused)
    return problem_response(refused)


def problem_of(error: Exception) -> Problem:
    """Returns the problem for an exception."""
    match error:
        case ProblemError():
            return error.problem
        case LedgerUnavailable():
            return _of("ledger-unavailable", "The ledger's database does not answer.", _retry())
        case TransientError():
            return _of("storage-unavailable", error.message, _retry())
        case TaskError(code="file_missing"):
            return _of("not-found", error.message)
        case HTTPException():
            return _of_http(error)
        case _:
            return _of("internal-error", "Search the gateway's log for the answer's Request-Id to find the reason.")


def _of_http(error: HTTPException) -> Problem:
    """Converts the errors of Flask and werkzeug; a 405 keeps its Allow header."""
    code = error.code or 500
    if code >= 500:
        return _of("internal-error", "Search the gateway's log for the answer's Request-Id to find the reason.")
    slug = _SLUGS.get(code, "unreadable")
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    return _of(slug, _DETAILS.get(slug) or error.description or "", headers)


_DETAILS = {
    "not-found": "Nothing was found at this address.",
    "method-not-allowed": "The Allow header lists the methods that this address accepts.",
}


def _of(slug: str, detail: str, headers: dict[str, str] | None = None) -> Problem:
    kind = KINDS[slug]
    return Problem(kind.status, slug, kind.title, detail, headers=headers or {})


def _retry() -> dict[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)}
