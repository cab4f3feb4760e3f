"""GET /schedules: lists schedules; each can be run now, paused and resumed."""

from typing import Any

from flask import Response, request

from bureau.ledger.access.keys import Role
from bureau.ledger.reads import throughput
from bureau.services.gateway.api.schedules.schedule_models import Schedule
from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import Frame, go
from bureau.services.gateway.console.text.schedule_words import in_words, local_times, request_words
from bureau.services.gateway.http.operation import Call, Nothing, Operation
from bureau.services.gateway.http.pagination import PageQuery

SHOWN = 50


def operations(frame: Frame, acting: ApiCalls) -> list[Operation[Any, Any]]:
    def listed(call: Call[Nothing, Nothing]) -> Response:
        query = PageQuery(limit=SHOWN, cursor=request.args.get("cursor"))
        found: Any = acting.perform("list-schedules", call, query=query)
        return frame.page(
            "schedules.html",
            call,
            schedules=[_row(one) for one in found.items],
            following=found.next_cursor,
            at=throughput.clock(frame.gateway.database),
        )

    def run(call: Call[Any, Any]) -> Response:
        job: Any = acting.perform("run-schedule", call)
        return go(f"/jobs/{job.id}", done="submitted")

    def switch(verb: str, done: str, *, enabled: bool) -> Operation[Any, Any]:
        def act(call: Call[Any, Any]) -> Response:
            acting.perform("patch-schedule", call, {"enabled": enabled})
            return go("/schedules", done=done)

        path = f"/schedules/<name>/{verb}"
        return frame.post(f"{verb}-schedule", path, act, f"{verb.title()} the schedule", role=Role.OPERATE)

    return [
        frame.get("schedules", "/schedules", listed, "A page of schedules"),
        frame.post("run-schedule", "/schedules/<name>/run", run, "A job of the schedule now", role=Role.SUBMIT),
        switch("pause", "schedule-paused", enabled=False),
        switch("resume", "schedule-resumed", enabled=True),
    ]


def _row(schedule: Schedule) -> tuple[Schedule, str, str, Any]:
    """Returns a schedule with its times and its request in words, and its next times in its own zone."""
    times = local_times(schedule.next_runs, schedule.time_zone, seconds=schedule.cron is None)
    return schedule, in_words(schedule), request_words(schedule), times
