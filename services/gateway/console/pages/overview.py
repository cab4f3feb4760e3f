"""GET /: shows the health in a sentence, each queue, the dependencies, and the failures of the last hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response

from bureau.ledger.access.keys import Role
from bureau.ledger.reads import failures, job_queries
from bureau.ledger.reads.failures import Failures, Group
from bureau.ledger.reads.job_queries import JobFilter
from bureau.ledger.reads.queue_stats import QueueSurvey, survey
from bureau.ledger.reads.reported_outages import away
from bureau.services.gateway.console.frame import Frame
from bureau.services.gateway.console.job_rows import job_row
from bureau.services.gateway.console.state.dependency import Dependency, outside
from bureau.services.gateway.console.state.throughput import QUIET, LastHour, Pulse
from bureau.services.gateway.console.text.health_summary import HealthSummary, QueueState, State, health_summary
from bureau.services.gateway.console.text.sparkline import Sparkline, sparkline
from bureau.services.gateway.http.operation import Call, Nothing, Operation

HOUR = 3600.0
LATEST = 8


@dataclass(frozen=True)
class QueueRow:
    """A row of the table of queues."""

    survey: QueueSurvey
    hour: LastHour
    line: Sparkline


def operations(frame: Frame) -> list[Operation[Any, Any]]:
    database = frame.gateway.database
    pulse = Pulse(database)

    def overview(call: Call[Nothing, Nothing]) -> Response:
        now, hours = pulse.read()
        operates = call.identity.role.includes(Role.OPERATE)
        surveys = survey(database) if operates else []
        depends = frame.watch.seen()
        if operates:
            depends += outside(away(database), {one.queue: one.served.workers for one in surveys})
        failed = failures.groups(database, call.owner, seconds=HOUR)
        latest = job_queries.jobs_of(database, call.owner, JobFilter(), before=None, limit=LATEST)
        return frame.page(
            "overview.html",
            call,
            summary=_summary(now, surveys, hours, depends) if operates else own_sentence(failed, depends, now),
            queues=[_row(one, hours.get(one.queue, QUIET)) for one in surveys],
            dependencies=depends,
            failures=failed,
            retry_address=retry_address,
            jobs=[job_row(row, now) for row in latest],
            at=now,
        )

    return [frame.get("overview", "/", overview, "A page on the state of things")]


def own_sentence(failed: Failures, depends: list[Dependency], now: datetime) -> HealthSummary:
    """Summarises an owner's own failures, for a key that may not operate the queues."""
    lost = sum(group.count for group in failed.groups)
    state = QueueState("your jobs", failed=lost, workers=1)
    return health_summary(State(now, [state], depends))


def retry_address(group: Group) -> str:
    """Returns the page that asks whether to retry a group's jobs, and none that failed before the first of them."""
    since = f"{group.first_at - timedelta(milliseconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"
    query = {"state": "failed", "run": group.run, "error": group.code, "finished_after": since}
    return f"/jobs/retry?{urlencode(query)}"


def _summary(
    now: datetime, surveys: list[QueueSurvey], hours: dict[str, LastHour], depends: list[Dependency]
) -> HealthSummary:
    states = [
        QueueState(
            name=one.queue,
            due=one.due,
            oldest_seconds=one.oldest_due_seconds,
            running=one.running,
            retrying=one.retrying,
            failed=hours.get(one.queue, QUIET).failed,
            workers=one.served.workers,
            paused_at=one.paused_at,
            last_done=hours.get(one.queue, QUIET).last_done,
        )
        for one in surveys
    ]
    return health_summary(State(now, states, depends))


def _row(one: QueueSurvey, hour: LastHour) -> QueueRow:
    return QueueRow(one, hour, sparkline(hour.done))
