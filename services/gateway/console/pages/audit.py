"""GET /audit: lists who did what."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request

from bureau.contracts.base import clean_text
from bureau.ledger.access import audit
from bureau.ledger.access.keys import Role
from bureau.services.gateway.console.frame import Frame
from bureau.services.gateway.http.operation import Call, Nothing, Operation
from bureau.services.gateway.http.pagination import cursor_of, cut, read_cursor

SHOWN = 100
DETAIL_LETTERS = 300


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    def listed(call: Call[Nothing, Nothing]) -> Response:
        act = clean_text(request.args.get("act", ""))[:40] or None
        cursor = request.args.get("cursor")
        before = read_cursor(cursor, _row_id) if cursor else None
        rows = audit.listed(frame.gateway.database, call.owner, act=act, before=before, limit=SHOWN + 1)
        shown, following = cut(rows, SHOWN, lambda row: cursor_of(str(row.id)))
        given = {"act": act} if act else {}
        return frame.page(
            "audit.html",
            call,
            rows=[(row, _detail(row.detail)) for row in shown],
            act=act,
            newest=before is None,
            older=f"/audit?{urlencode({**given, 'cursor': following})}" if following else None,
        )

    return [frame.get("audit", "/audit", listed, "A page of who did what", role=Role.OPERATE)]


def _row_id(key: list[Any]) -> UUID:
    (row_id,) = key
    return UUID(row_id)


def in_words(value: Any) -> str:
    """Puts JSON into words: `expect 312, filter (state failed or cancelled)`."""
    match value:
        case dict():
            return ", ".join(_pair(name.replace("_", " "), one) for name, one in value.items() if one is not None)
        case list():
            return " or ".join(map(in_words, value))
        case str():
            return value
        case _:
            return json.dumps(value)


def _pair(name: str, value: Any) -> str:
    return f"{name} ({in_words(value)})" if isinstance(value, dict) else f"{name} {in_words(value)}"


def _detail(detail: dict[str, Any] | None) -> str:
    text = in_words(detail) if detail else ""
    return text if len(text) <= DETAIL_LETTERS else f"{text[:DETAIL_LETTERS]}…"
