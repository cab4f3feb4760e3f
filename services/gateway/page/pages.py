"""GET /, /problems/<slug> and the stylesheet. Server-rendered, without scripts."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Response, render_template

from bureau.ledger import queries
from bureau.ledger.keys import Role
from bureau.ledger.queries import JobFilter, JobRow
from services.gateway.gateway import Gateway
from services.gateway.http.operation import Call, Documented, Nothing, Operation
from services.gateway.http.problems import KINDS, RETRY_SECONDS, not_found
from services.gateway.http.security import PAGE_POLICY
from services.gateway.page.words import ago, duration, state_words

SHOWN = 50
STATIC = Path(__file__).with_name("static")
_HTML = ("text/html",)
_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [_latest(gateway), _problem(), _static()]


def _latest(gateway: Gateway) -> Operation[Any, Any]:
    def latest(call: Call[Nothing, Nothing]) -> Response:
        rows = queries.jobs_of(gateway.database, call.owner, JobFilter(), before=None, limit=SHOWN)
        now = datetime.now(UTC)
        return _page(
            "jobs.html",
            jobs=[_row(row, now) for row in rows],
            base_url=gateway.settings.base_url,
            keyed=call.who.key_id is not None,
            now=now,
        )

    def away() -> Response:
        return _page("away.html", 503, {"Retry-After": str(RETRY_SECONDS)})

    return Operation(
        name="page-latest-jobs",
        method="GET",
        path="/",
        view=latest,
        summary="A page of the latest jobs",
        tag="Pages",
        role=Role.VIEW,
        answers=[
            Documented(200, "The page.", media_types=_HTML),
            Documented(503, "The ledger is away.", headers={"Retry-After": "Seconds."}, media_types=_HTML),
        ],
        api=False,
        away=away,
    )


def _problem() -> Operation[Any, Any]:
    def problem(call: Call[Nothing, Nothing]) -> Response:
        kind = KINDS.get(call.path["slug"])
        if kind is None:
            raise not_found("kind of problem")
        return _page("problem.html", kind=kind)

    return Operation(
        name="page-problem",
        method="GET",
        path="/problems/<slug>",
        view=problem,
        summary="What a problem's type means",
        tag="Pages",
        role=None,
        answers=[Documented(200, "The page.", media_types=_HTML)],
        api=False,
    )


def _static() -> Operation[Any, Any]:
    files = {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in STATIC.iterdir()}

    def static(call: Call[Nothing, Nothing]) -> Response:
        if call.path["name"] not in files:
            raise not_found("file")
        content, media_type = files[call.path["name"]]
        return Response(content, content_type=media_type, headers={"Cache-Control": "max-age=300"})

    return Operation(
        name="page-static",
        method="GET",
        path="/static/<name>",
        view=static,
        summary="Stylesheet and icon of the pages",
        tag="Pages",
        role=None,
        answers=[Documented(200, "The file.", media_types=("text/css", "image/svg+xml"))],
        api=False,
    )


def _row(row: JobRow, now: datetime) -> dict[str, Any]:
    """A job as a line of the page."""
    ended = row.finished_at or now
    return {
        "id": row.id,
        "title": row.title,
        "kind": row.kind,
        "state": row.state,
        "words": state_words(row.state),
        "created": row.created_at,
        "ago": ago(now - row.created_at),
        "took": duration(ended - row.started_at) if row.started_at else None,
        "error": row.error["message"] if row.error else None,
    }


def _page(template: str, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> Response:
    response = Response(render_template(template, **values), status, headers, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response
