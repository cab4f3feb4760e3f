"""Tests the lines of `bureau status`."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bureau.cli.commands.actions import summary
from bureau.cli.commands.status import check_lines, failure_lines, outage_lines, queue_lines, retrying_lines
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


def test_a_queue_without_workers_names_its_last_worker() -> None:
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
        "! mailer   1,240 waiting, oldest 9 min, 0 workers (last: web-2, 02:51 UTC)",
        "  reports      3 waiting, oldest 4 s,   2 workers, 2 running",
    ]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (queue("shop", 1), "  shop  0 waiting, 1 worker"),
        (queue("shop", 0), "  shop  0 waiting, 0 workers"),  # no work, so no worker is needed
        (queue("shop", 0, trouble="no_worker", running=1), "! shop  0 waiting, 0 workers, 1 running"),
        (
            queue("shop", 1, trouble="stalled", queued=1, oldest_queued_seconds=300.0),
            "! shop  1 waiting, oldest 5 min, 1 worker",
        ),
        (
            queue("shop", 1, trouble="paused", queued=1, oldest_queued_seconds=2.0, paused_at="2026-05-03T02:00:00Z"),
            "! shop  1 waiting, oldest 2 s, 1 worker, paused since 03 May 02:00 UTC",
        ),
    ],
)
def test_a_queue_with_a_problem_is_marked(found: QueueData, line: str) -> None:
    assert shown(queue_lines([found], [], NOW)) == [line]


def test_healthy_checks_share_one_line_and_each_failing_check_has_its_own() -> None:
    checks = {
        "ledger": {"status": "ok", "detail": None},
        "broker": {"status": "failing", "detail": "Messages cannot be published."},
        "storage": {"status": "ok", "detail": None},
    }
    lines = check_lines(cast("ReadinessData", {"status": "degraded", "checks": checks, "broker_kind": "amqp"}))
    assert shown(lines) == ["! RabbitMQ failing: Messages cannot be published.", "  database ok · storage ok"]


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        ({"broker_kind": "amqp"}, "  RabbitMQ ok"),
        ({"broker_kind": "memory"}, "  in-process broker ok"),
        ({}, "  broker ok"),  # the answer of an older gateway
    ],
)
def test_the_broker_has_its_product_name(extra: dict[str, str], line: str) -> None:
    readiness = {"status": "ready", "checks": {"broker": {"status": "ok", "detail": None}}, **extra}
    assert shown(check_lines(cast("ReadinessData", readiness))) == [line]


@pytest.mark.parametrize(
    ("used", "detail", "lines"),
    [
        (81, None, ["  database ok · storage 81 %"]),
        (93, "Its file system is 93 % full.", ["! storage 93 %: Its file system is 93 % full.", "  database ok"]),
        (None, None, ["  database ok · storage ok"]),  # a bucket
    ],
)
def test_the_storage_line_says_how_full_it_is(used: int | None, detail: str | None, lines: list[str]) -> None:
    checks = {"ledger": {"status": "ok", "detail": None}, "storage": {"status": "ok", "detail": detail}}
    readiness = {"status": "ready", "checks": checks, "storage_used_percent": used}
    assert shown(check_lines(cast("ReadinessData", readiness))) == lines


def test_an_outage_has_one_line_with_the_time_of_the_first_worker_that_reported_it() -> None:
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
        {"queue": "shop", "live": True},  # the answer of an older gateway
    ]
    assert shown(outage_lines(cast("list[WorkerData]", workers), NOW)) == [
        "! certificates API failing since 02:58 UTC: It answered 503.",
        "! SMTP open circuit since 02:50 UTC (2 of 3 workers): no route to the mail server",
    ]


def test_retried_tasks_are_counted_by_error_code() -> None:
    def task(queue: str, code: str | None) -> TaskSummaryData:
        return cast("TaskSummaryData", {"queue": queue, "error": {"code": code} if code else None})

    found = [task("mailer", "smtp_unavailable")] * 12 + [task("mailer", "mailbox_full"), task("shop", None)]
    assert shown(retrying_lines(found)) == ["! mailer retries 13 tasks: 12 smtp_unavailable, 1 mailbox_full"]
    many = [task("mailer", "smtp_unavailable")] * 200
    assert shown(retrying_lines(many)) == ["! mailer retries at least 200 tasks: 200 smtp_unavailable"]


def test_failures_are_counted_by_code() -> None:
    assert failure_lines(Counted(0, 0, True)) == []
    lines = shown(failure_lines(Counted(312, 0, True, {"mailbox_full": 14, "smtp_unavailable": 298})))
    assert lines[0] == "! 312 jobs failed in the last hour: 298 smtp_unavailable, 14 mailbox_full"
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize(
    ("counted", "line"),
    [
        (
            Counted(312, 0, True, {"smtp_unavailable": 298, "mailbox_full": 14}),
            "312 jobs: 298 smtp_unavailable, 14 mailbox_full.   Confirm: --expect 312 --per-second 20",
        ),
        (Counted(1, 0, True, {}), "1 job.   Confirm: --expect 1"),
        (Counted(0, 0, True, {}), "No job matches."),
        (Counted(3, 3, False, {}), "3 jobs run again."),
        (Counted(3, 1, False, {}), "1 job runs again."),
    ],
)
def test_a_dry_run_prints_the_count_and_the_options_that_confirm_it(counted: Counted, line: str) -> None:
    assert summary("retry", counted, " --per-second 20") == line
