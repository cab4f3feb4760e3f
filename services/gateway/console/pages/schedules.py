"""GET /schedules: lists schedules; each can be run now, paused and resumed."""

from typing import Any

from cronsim import CronSim
from flask import Response, request

from bureau.contracts.schedules.cron import MACROS
from bureau.formatting import count
from bureau.ledger.access.keys import Role
from bureau.ledger.reads import throughput
from bureau.services.gateway.api.schedules.schedule_models import Schedule
from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import Frame, go
from bureau.services.gateway.console.text.words import duration
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
            schedules=[(one, in_words(one)) for one in found.items],
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


def in_words(schedule: Schedule) -> str:
    """Puts a schedule's times into words: `At 07:00 on Monday through Friday`, `Every 90 s`."""
    if schedule.cron is None:
        return f"Every {_span(schedule.every_seconds or 0)}"
    fields = MACROS.get(schedule.cron.strip().lower(), schedule.cron)
    return str(CronSim(fields, schedule.created_at).explain())


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return count(seconds // size, unit)
    return duration(seconds) if seconds < 60 else f"{seconds:,} s"
