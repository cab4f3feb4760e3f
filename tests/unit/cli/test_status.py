"""`bureau status`, line by line."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bureau.cli.commands.acts import words
from bureau.cli.commands.status import failure_lines, need_lines, queue_lines, retrying_lines, trouble_lines
from bureau.client import Counted
from bureau.client.shapes import QueueData, ReadinessData, TaskSummaryData, WorkerData

NOW = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
IDLE = {"queued": 0, "hinted": 0, "scheduled": 0, "waiting": 0, "running": 0, "oldest_queued_seconds": 0.0}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def queue(name: str, workers: int, **more: Any) -> QueueData:
    return cast("QueueData", {"name": name, "paused_at": None, "workers": workers, "threads": 8, **IDLE, **more})


def shown(lines: list[tuple[bool, str]]) -> list[str]:
    return [("! " if wrong else "  ") + line for wrong, line in lines]


def test_a_queue_that_nobody_serves_says_who_did_last() -> None:
    queues = [
        queue("mailer", 0, trouble="no_worker", queued=1240, oldest_queued_seconds=541.0),
        queue("reports", 2, queued=3, oldest_queued_seconds=4.2, running=2),
    ]
    workers = [
        {"queue": "mailer", "host": "web-1", "seen_at": "2026-05-04T01:10:00Z"},
        {"queue": "mailer", "host": "web-2", "seen_at": "2026-05-04T02:51:00Z"},
        {"queue": "reports", "host": "web-3", "seen_at": "2026-05-04T02:59:59Z"},
    ]
    assert shown(queue_lines(queues, cast("list[WorkerData]", workers), NOW)) == [
        "! mailer   1,240 waiting, oldest 9 min, 0 workers (last: web-2, 02:51)",
        "  reports      3 waiting, oldest 4 s,   2 workers, 2 running",
    ]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (queue("shop", 1), "  shop  0 waiting, 1 worker"),
        (queue("shop", 0), "  shop  0 waiting, 0 workers"),  # nothing to do, nobody needed
        (queue("shop", 0, trouble="no_worker", running=1), "! shop  0 waiting, 0 workers, 1 running"),
        (
            queue("shop", 1, trouble="stalled", queued=1, oldest_queued_seconds=300.0),
            "! shop  1 waiting, oldest 5 min, 1 worker",
        ),
        (
            queue("shop", 1, trouble="paused", queued=1, oldest_queued_seconds=2.0, paused_at="2026-05-03T02:00:00Z"),
            "! shop  1 waiting, oldest 2 s, 1 worker, paused since 03 May 02:00",
        ),
    ],
)
def test_a_queue_that_the_gateway_calls_troubled_is_marked(found: QueueData, line: str) -> None:
    assert shown(queue_lines([found], [], NOW)) == [line]


def test_what_is_needed_is_in_one_line_and_what_is_wrong_in_one_each() -> None:
    checks = {
        "ledger": {"status": "ok", "detail": None},
        "broker": {"status": "failing", "detail": "Messages cannot be published."},
        "storage": {"status": "ok", "detail": None},
    }
    lines = need_lines(cast("ReadinessData", {"status": "degraded", "checks": checks, "broker_kind": "amqp"}))
    assert shown(lines) == ["! RabbitMQ failing: Messages cannot be published.", "  database ok · storage ok"]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"broker_kind": "amqp"}, "  RabbitMQ ok"),
        ({"broker_kind": "memory"}, "  in-process broker ok"),
        ({}, "  broker ok"),  # by an older gateway
    ],
)
def test_the_broker_is_called_what_it_is(told: dict[str, str], line: str) -> None:
    readiness = {"status": "ready", "checks": {"broker": {"status": "ok", "detail": None}}, **told}
    assert shown(need_lines(cast("ReadinessData", readiness))) == [line]


@pytest.mark.parametrize(
    ("used", "detail", "lines"),
    [
        (81, None, ["  database ok · storage 81 %"]),
        (93, "Its file system is 93 % full.", ["! storage 93 %: Its file system is 93 % full.", "  database ok"]),
        (None, None, ["  database ok · storage ok"]),  # a bucket
    ],
)
def test_the_storage_says_how_full_it_is(used: int | None, detail: str | None, lines: list[str]) -> None:
    checks = {"ledger": {"status": "ok", "detail": None}, "storage": {"status": "ok", "detail": detail}}
    readiness = {"status": "ready", "checks": checks, "storage_used_percent": used}
    assert shown(need_lines(cast("ReadinessData", readiness))) == lines


def test_what_workers_cannot_use_is_said_once_and_since_the_first_of_them() -> None:
    def worker(queue: str, *trouble: dict[str, str], live: bool = True) -> dict[str, Any]:
        return {"queue": queue, "live": live, "trouble": list(trouble)}

    def smtp(since: str) -> dict[str, str]:
        return {"name": "smtp", "how": "open circuit", "since": since, "why": "no route to the mail server"}

    api = {"name": "certificates API", "how": "failing", "since": "2026-05-04T02:58:00Z", "why": "It answered 503."}
    workers = [
        worker("mailer", smtp("2026-05-04T02:51:00Z")),
        worker("mailer", smtp("2026-05-04T02:50:00Z")),
        worker("mailer"),
        worker("mailer", live=False),
        worker("certificates", api),
        {"queue": "shop", "live": True},  # as an older gateway tells it
    ]
    assert shown(trouble_lines(cast("list[WorkerData]", workers), NOW)) == [
        "! certificates API failing since 02:58: It answered 503.",
        "! SMTP open circuit since 02:50 (2 of 3 workers): no route to the mail server",
    ]


def test_what_is_tried_again_says_for_what() -> None:
    def task(queue: str, code: str | None) -> TaskSummaryData:
        return cast("TaskSummaryData", {"queue": queue, "error": {"code": code} if code else None})

    found = [task("mailer", "smtp_unavailable")] * 12 + [task("mailer", "mailbox_full"), task("shop", None)]
    assert shown(retrying_lines(found)) == ["! mailer tries again 13 tasks: 12 smtp_unavailable, 1 mailbox_full"]
    many = [task("mailer", "smtp_unavailable")] * 200
    assert shown(retrying_lines(many)) == ["! mailer tries again 200 tasks and more: 200 smtp_unavailable"]


def test_failures_are_counted_by_code() -> None:
    assert failure_lines(Counted(0, 0, True)) == []
    lines = shown(failure_lines(Counted(312, 0, True, {"mailbox_full": 14, "smtp_unavailable": 298})))
    assert lines[0] == "! 312 jobs of the last hour failed: 298 smtp_unavailable, 14 mailbox_full"
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("counted", "line"),
    [
        (
            Counted(312, 0, True, {"smtp_unavailable": 298, "mailbox_full": 14}),
            "312 jobs: 298 smtp_unavailable, 14 mailbox_full.   Do it: --expect 312 --per-second 20",
        ),
        (Counted(1, 0, True, {}), "1 job.   Do it: --expect 1"),
        (Counted(0, 0, True, {}), "No job matches."),
        (Counted(3, 3, False, {}), "3 jobs run again."),
        (Counted(3, 1, False, {}), "1 job runs again."),
    ],
)
def test_an_act_on_many_says_the_count_and_how_to_do_it(counted: Counted, line: str) -> None:
    assert words("retry", counted, " --per-second 20") == line
