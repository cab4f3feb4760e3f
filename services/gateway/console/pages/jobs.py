"""GET /jobs: lists jobs; the address holds the filters. `bulk` has the actions on many of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from bureau.ledger.reads import id_part, job_queries
from bureau.services.gateway.api.jobs.jobs import newest_first
from bureau.services.gateway.console import job_query
from bureau.services.gateway.console.frame import Frame, go
from bureau.services.gateway.console.job_query import AMONG, KINDS, STATES
from bureau.services.gateway.console.job_rows import job_row
from bureau.services.gateway.http.operation import Call, Nothing, Operation
from bureau.services.gateway.http.pagination import cursor_of, cut, read_cursor

SHOWN = 50
FOUND = 20


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    database = frame.gateway.database

    def listed(call: Call[Nothing, Nothing]) -> Response:
        query = job_query.read(request.args)
        by_id = id_part.jobs_with(
            database, call.owner, query.wanted.q or "", limit=FOUND, created_before=query.wanted.created_before
        )
        cursor = request.args.get("cursor")
        before = read_cursor(cursor, newest_first) if cursor else None
        wanted = replace(query.wanted, or_ids=tuple(by_id))
        rows = job_queries.jobs_of(database, call.owner, wanted, before=before, limit=SHOWN + 1, among=query.among)
        if by_id and not rows:  # older than those among which titles are searched
            found = replace(query.wanted, q=None, ids=tuple(by_id))
            rows = job_queries.jobs_of(database, call.owner, found, before=before, limit=SHOWN + 1)
        if before is None and len(rows) == 1 and rows[0].id in by_id:
            return go(f"/jobs/{rows[0].id}")
        shown, following = cut(rows, SHOWN, lambda row: cursor_of(row.created_at.isoformat(), str(row.id)))
        now = datetime.now(UTC)
        return frame.page(
            "jobs.html",
            call,
            query=query,
            jobs=[job_row(row, now) for row in shown],
            older=f"/jobs?{urlencode([*query.pairs, ('cursor', following)])}" if following else None,
            newest=before is None,
            among=AMONG if query.among else None,
            states=STATES,
            kinds=KINDS,
        )

    return [frame.get("jobs", "/jobs", listed, "A page of jobs")]
