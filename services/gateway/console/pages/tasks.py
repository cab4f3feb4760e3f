"""GET /tasks: lists active, reserved, scheduled and retrying tasks across an owner's jobs."""

from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from bureau.contracts.base import clean_text
from bureau.ledger.reads import throughput
from bureau.ledger.reads.job_views import last_attempt
from bureau.ledger.reads.task_queries import TaskFilter, tasks_across
from bureau.services.gateway.api.jobs.tasks import task_id_of
from bureau.services.gateway.console.frame import Frame
from bureau.services.gateway.http.operation import Call, Nothing, Operation
from bureau.services.gateway.http.pagination import cursor_of, cut, read_cursor

SHOWN = 50
# Name, filter and meaning.
TABS = {
    "active": (TaskFilter(("running",)), "Tasks that a worker runs."),
    "reserved": (
        TaskFilter(("queued",), hinted=True),
        "Tasks that are due and whose message is at the broker or on its way.",
    ),
    "queued": (TaskFilter(("queued",)), "Tasks that are due and have not started."),
    "scheduled": (TaskFilter(("scheduled",)), "Tasks that start later, for the first time."),
    "retrying": (TaskFilter(("retrying",)), "Tasks whose last attempt failed, and that run again later."),
    "waiting": (TaskFilter(("waiting",)), "Tasks that wait for other tasks of their jobs."),
}


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    database = frame.gateway.database

    def listed(call: Call[Nothing, Nothing]) -> Response:
        tab = request.args.get("tab", "")
        tab = tab if tab in TABS else "active"
        queue, run = _text("queue", 40), _text("run", 120)
        wanted = TaskFilter(TABS[tab][0].states, queue or None, run or None, TABS[tab][0].hinted)
        cursor = request.args.get("cursor")
        before = read_cursor(cursor, task_id_of) if cursor else None
        rows = tasks_across(database, call.owner, wanted, before=before, limit=SHOWN + 1)
        shown, following = cut(rows, SHOWN, lambda row: cursor_of(str(row.id)))
        given = {"tab": tab, **({"queue": queue} if queue else {}), **({"run": run} if run else {})}
        return frame.page(
            "tasks.html",
            call,
            tasks=shown,
            last_attempt=last_attempt,
            at=throughput.clock(database),
            tab=tab,
            tabs=[(name, urlencode({**given, "tab": name})) for name in TABS],
            meaning=TABS[tab][1],
            queue=queue,
            run=run,
            newest=before is None,
            older=f"/tasks?{urlencode({**given, 'cursor': following})}" if following else None,
        )

    return [frame.get("tasks", "/tasks", listed, "List tasks")]


def _text(name: str, most: int) -> str:
    return clean_text(request.args.get(name, ""))[:most].strip()
