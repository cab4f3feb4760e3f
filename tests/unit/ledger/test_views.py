"""Rows in the API's words."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.ids import new_id
from bureau.ledger.reads.job_views import (
    IdleTask,
    attempt_number,
    attempts_of,
    busy_seconds,
    counts_of,
    job_progress,
    job_state,
    last_attempt,
    task_state,
    waiting,
    with_percent,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Brief:
    """What `job_progress` reads of a task's row."""

    state: str
    progress: dict[str, Any] | None = None


def progress(current: float, total: float | None = None, note: str | None = None) -> dict[str, Any]:
    return {"current": current, "total": total, "note": note}


@pytest.mark.parametrize(
    ("stored", "due_in", "claim_no", "said"),
    [
        ("waiting", None, 0, "waiting"),
        ("ready", -1.0, 0, "queued"),
        ("ready", 0.0, 3, "queued"),
        ("ready", None, 0, "queued"),
        ("ready", 5.0, 0, "scheduled"),
        ("ready", 5.0, 1, "retrying"),
        ("running", 5.0, 1, "running"),
        ("succeeded", None, 1, "succeeded"),
        ("failed", None, 1, "failed"),
        ("cancelled", None, 0, "cancelled"),
        ("skipped", None, 0, "skipped"),
    ],
)
def test_a_tasks_state(stored: str, due_in: float | None, claim_no: int, said: str) -> None:
    assert task_state(stored, due_in_seconds=due_in, claim_no=claim_no) == said


@pytest.mark.parametrize(
    ("stored", "counts", "started", "said"),
    [
        ("open", {"queued": 1}, False, "queued"),
        ("open", {"scheduled": 1}, False, "scheduled"),
        ("open", {"scheduled": 1, "queued": 1}, False, "queued"),
        ("open", {"waiting": 1, "running": 1}, True, "running"),
        ("open", {"retrying": 1}, True, "running"),
        ("succeeded", {}, True, "succeeded"),
        ("cancelled", {}, False, "cancelled"),
    ],
)
def test_a_jobs_state(stored: str, counts: dict[str, int], started: bool, said: str) -> None:
    assert job_state(stored, counts, started=started) == said


@pytest.mark.parametrize(("failures", "claim_no", "number"), [(0, 0, 0), (0, 1, 1), (2, 3, 3), (0, 4, 1), (2, 5, 3)])
def test_the_number_of_an_attempt(failures: int, claim_no: int, number: int) -> None:
    assert attempt_number(failures, claim_no) == number


@pytest.mark.parametrize(
    ("kept", "percent"),
    [
        (progress(1, 4), 25.0),
        (progress(1, 3), 33.3),
        (progress(5, 4), 100.0),
        (progress(0, 4), 0.0),
        (progress(3), None),
        (progress(3, 0), None),
    ],
)
def test_a_percentage(kept: dict[str, Any], percent: float | None) -> None:
    shown = with_percent(kept)
    assert shown is not None
    assert shown["percent"] == percent


def test_no_progress_is_none() -> None:
    assert with_percent(None) is None
    assert with_percent({}) is None


def test_the_progress_of_a_job_is_that_of_its_only_task() -> None:
    assert job_progress([Brief("succeeded", progress(4, 4, "rows"))], 1) == {
        **progress(4, 4, "rows"),
        "percent": 100.0,
    }
    assert job_progress([Brief("running")], 1) is None


def test_the_progress_of_a_job_is_that_of_the_only_one_that_runs() -> None:
    tasks = [Brief("succeeded", progress(9, 9)), Brief("running", progress(1, 2)), Brief("waiting")]
    shown = job_progress(tasks, 3)
    assert shown is not None
    assert (shown["current"], shown["total"]) == (1, 2)


def test_the_progress_of_a_job_with_several_that_run_counts_tasks() -> None:
    tasks = [Brief("running", progress(1, 2)), Brief("running", progress(1, 2)), Brief("failed"), Brief("skipped")]
    assert job_progress(tasks, 4) == {"current": 2, "total": 4, "percent": 50.0, "note": "tasks"}
    assert job_progress(tasks[:2], 2) is None


def test_states_are_counted_in_the_order_of_their_names() -> None:
    counted = counts_of(["running", "failed", "running"])
    assert list(counted.items()) == [("failed", 1), ("running", 2)]


@dataclass
class TaskRow:
    """What `attempts_of` reads of a task's row."""

    state: str
    claim_no: int = 3
    worker: str = "w"
    claimed_at: datetime = AT
    finished_at: datetime | None = None


@dataclass
class Attempt:
    """A row of `attempts`."""

    claim_no: int
    outcome: str
    worker: str = "v"
    started_at: datetime = AT
    ended_at: datetime = AT
    error: dict[str, Any] | None = None
    traceback: str | None = None


@pytest.mark.parametrize(
    ("state", "outcomes"),
    [
        ("ready", ["retry", "crashed"]),
        ("running", ["retry", "crashed", "running"]),
        ("succeeded", ["retry", "crashed", "succeeded"]),
        ("failed", ["retry", "crashed"]),
    ],
)
def test_attempts_are_those_recorded_and_the_one_that_runs_or_succeeded(state: str, outcomes: list[str]) -> None:
    shown = attempts_of(TaskRow(state), [Attempt(1, "retry"), Attempt(2, "crashed")])
    assert [attempt["outcome"] for attempt in shown] == outcomes
    assert [attempt["number"] for attempt in shown] == list(range(1, len(outcomes) + 1))


def view(state: str) -> IdleTask:
    return IdleTask(new_id(), state, "shop.suma", "shop", AT)


@pytest.mark.parametrize(
    ("states", "live", "paused", "reason"),
    [
        (["queued"], set(), set(), "no_worker"),
        (["queued"], {"shop"}, set(), "behind"),
        (["queued"], {"mailer"}, set(), "no_worker"),
        (["queued"], {"shop"}, {"shop"}, "queue_paused"),
        (["queued"], set(), {"shop"}, "queue_paused"),
        (["queued"], {"shop"}, {"mailer"}, "behind"),
        (["scheduled"], {"shop"}, {"shop"}, "not_due"),
        (["retrying"], {"shop"}, set(), "retrying"),
        (["waiting", "queued"], {"shop"}, set(), "behind"),
        (["running", "queued"], set(), set(), None),
        (["waiting"], set(), set(), None),
        (["succeeded", "failed"], set(), set(), None),
    ],
)
def test_why_a_job_waits(states: list[str], live: set[str], paused: set[str], reason: str | None) -> None:
    told = waiting([view(state) for state in states], live, paused, {})
    assert (told and told.reason) == reason


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        ({("shop", "shop.suma")}, "behind"),
        ({("shop", "shop.other")}, "no_worker"),
        ({("bulk", "shop.suma")}, "no_worker"),  # its worker serves another queue
        (None, "behind"),
    ],
)
def test_a_task_that_no_live_worker_announces_waits_for_a_worker(
    served: set[tuple[str, str]] | None, reason: str
) -> None:
    """Its queue may have workers: those of a version without this task."""
    told = waiting([view("queued")], {"shop"}, (), {}, served)
    assert told is not None
    assert told.reason == reason


def test_a_job_waits_for_what_is_due_first() -> None:
    later, sooner = view("retrying"), view("scheduled")
    due_in: dict[UUID, float] = {later.id: 90.04, sooner.id: 7.26}
    told = waiting([later, sooner], (), (), due_in)
    assert told is not None
    assert told.shown() == {"reason": "not_due", "position": None, "starts_in_seconds": 7.3}


def test_an_overdue_task_starts_in_zero_seconds() -> None:
    late = view("retrying")
    told = waiting([late], (), (), {late.id: -3.0})
    assert told is not None
    assert told.starts_in_seconds == 0.0


@pytest.mark.parametrize(("ahead", "pace", "seconds"), [(0, 2.0, 0.0), (9, 2.0, 4.5), (9, 0.0, None)])
def test_a_place_in_the_queue_and_the_time_until_its_turn(ahead: int, pace: float, seconds: float | None) -> None:
    told = waiting([view("queued")], {"shop"}, (), {})
    assert told is not None
    assert told.ahead(ahead, pace).shown() == {"reason": "behind", "position": ahead + 1, "starts_in_seconds": seconds}


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0.0),
        ([(0, 2), (300, 301)], 3.0),  # the pause between two attempts is no time of running
        ([(0, 10), (5, 12)], 12.0),  # tasks side by side
        ([(0, 10), (2, 3)], 10.0),
        ([(5, None)], 15.0),
        ([(None, 3)], 0.0),
    ],
)
def test_only_attempts_count_as_running(spans: list[tuple[float | None, float | None]], seconds: float) -> None:
    attempts = [
        {"started_at": None if start is None else at(start), "ended_at": None if end is None else at(end)}
        for start, end in spans
    ]
    assert busy_seconds(attempts, at(20)) == seconds


@pytest.mark.parametrize(
    ("number", "attempt", "most", "last"),
    [(0, 0, 8, 8), (1, 1, 8, 8), (9, 1, 8, 16), (3, 1, 8, 10), (8, 8, 8, 8)],
)
def test_attempts_are_counted_over_retries(number: int, attempt: int, most: int, last: int) -> None:
    """After eight attempts and a retry by a person, the ninth is the first of eight more."""
    assert last_attempt(number, attempt, most) == last
