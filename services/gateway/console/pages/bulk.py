"""/jobs/retry and /jobs/cancel: bulk actions. The page shows the count first; the action checks it again."""

from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from bureau.ledger.access.keys import Role
from bureau.ledger.jobs.many.bulk_actions import BulkAct
from bureau.services.gateway.console import job_query
from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import DONE, Frame, go, refused_page
from bureau.services.gateway.console.job_query import JobQuery
from bureau.services.gateway.http.operation import Call, Nothing, Operation
from bureau.services.gateway.problems import problem

PER_SECOND = 20  # retries are spread out, so that jobs that failed under load do not fail under load again
_DONE = {BulkAct.RETRY: "jobs-retried", BulkAct.CANCEL: "jobs-cancelled"}


def operations(frame: Frame, acting: ApiCalls) -> list[Operation[Any, Any]]:
    return [one for what in BulkAct for one in (_ask(frame, acting, what), _act(frame, acting, what))]


def _ask(frame: Frame, acting: ApiCalls, what: BulkAct) -> Operation[Any, Any]:
    def ask(call: Call[Nothing, Nothing]) -> Response:
        query = _refused_unless_whole(job_query.read(request.args))
        return _page(frame, call, what, query, _counted(acting, call, what, query))

    return frame.get(
        f"ask-{what}-jobs", f"/jobs/{what}", ask, f"A page that counts before it {what}s", role=Role.OPERATE
    )


def _act(frame: Frame, acting: ApiCalls, what: BulkAct) -> Operation[Any, Any]:
    def act(call: Call[Any, Any]) -> Response:
        query = _refused_unless_whole(job_query.read(MultiDict(call.body.fields)))
        expected = call.body.get("expect") or ""
        counted = _counted(acting, call, what, query)
        if expected != str(counted.count):
            return _page(frame, call, what, query, counted, before=expected)
        pace = {"per_second": PER_SECOND} if what is BulkAct.RETRY else {}
        body = {"filter": query.filter, "expect": counted.count, **pace}
        done: Any = acting.perform(f"{what}-jobs", call, body)
        return go(f"/jobs?{query.with_states()}", done=_DONE[what], n=done.changed)

    return frame.post(
        f"{what}-jobs",
        f"/jobs/{what}",
        act,
        f"{what.title()} the jobs that match",
        role=Role.OPERATE,
        answers=[DONE, refused_page(409, "Another number matches now: the page asks again.")],
    )


def _counted(acting: ApiCalls, call: Call[Any, Any], what: BulkAct, query: JobQuery) -> Any:
    return acting.perform(f"{what}-jobs", call, {"filter": query.filter, "dry_run": True})


def _refused_unless_whole(query: JobQuery) -> JobQuery:
    """Raises a 422 problem for an ignored filter: without it the action would reach jobs that nobody meant."""
    if query.ignored:
        raise problem("invalid", f"Not a filter of jobs: {', '.join(query.ignored)}.")
    return query


def _page(
    frame: Frame, call: Call[Any, Any], what: BulkAct, query: JobQuery, counted: Any, before: str | None = None
) -> Response:
    """Renders the page. `before` is the count that the user agreed to, where another number matches now."""
    status = 409 if before is not None else 200
    return frame.page(
        "bulk.html", call, status=status, what=what, query=query, counted=counted, before=before, per_second=PER_SECOND
    )
