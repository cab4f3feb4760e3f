"""GET /jobs: lists jobs; the address holds the filters. `bulk` has the actions on many of them."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from bureau.ledger.reads import id_prefix, job_queries
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
        by_id = id_prefix.beginning_with(database, call.owner, query.wanted.q or "", limit=FOUND)
        if len(by_id) == 1:
            return go(f"/jobs/{by_id[0]}")
        cursor = request.args.get("cursor")
        before = read_cursor(cursor, newest_first) if cursor else None
        if by_id:
            rows = job_queries.jobs_by_id(database, call.owner, by_id)
        else:
            rows = job_queries.jobs_of(
                database, call.owner, query.wanted, before=before, limit=SHOWN + 1, among=query.among
            )
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
