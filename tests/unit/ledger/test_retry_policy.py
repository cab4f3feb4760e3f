"""What happens next, as tables of cases."""

import math

import pytest

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.errors import PermanentError, Postponed, TaskError, TransientError
from bureau.contracts.jobs.states import JobState, TaskState, When
from bureau.ledger.jobs.retry_policy import (
    GiveUp,
    Postpone,
    Retry,
    backoff,
    decide_retry,
    dependent_state,
    error_of,
    job_end,
    rehint_after,
)

POLICY = RetryPolicy(max_attempts=3, base_seconds=2.0, cap_seconds=10.0)
DAY = 24 * 3600.0


def whole(seconds: float) -> float:
    """The longest that jitter may make of a delay."""
    return seconds


def none(_seconds: float) -> float:
    return 0.0


def transient(retry_after: float | None = None) -> TransientError:
    return TransientError("away", "It is away.", retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "failures", "decision"),
    [
        (transient(), 1, Retry(4.0)),
        (transient(), 2, Retry(8.0)),
        (transient(), 3, GiveUp("away", "It is away.")),
        (transient(), 4, GiveUp("away", "It is away.")),
        (TaskError("odd", "A bare task error."), 1, Retry(4.0)),
        (PermanentError("no", "Never."), 1, GiveUp("no", "Never.")),
        (transient(retry_after=60), 1, Retry(62.0)),
        (transient(retry_after=60.5), 2, Retry(62.5)),
        (transient(retry_after=60), 3, GiveUp("away", "It is away.")),
        (transient(retry_after=0), 1, Retry(2.0)),
        (transient(retry_after=-5), 1, Retry(2.0)),
    ],
)
def test_an_error_leads_to(error: TaskError, failures: int, decision: object) -> None:
    assert decide_retry(error, failures, POLICY, whole) == decision


def test_retry_after_is_the_least_that_is_waited() -> None:
    assert decide_retry(transient(retry_after=60), 1, POLICY, none) == Retry(60.0)


@pytest.mark.parametrize("retry_after", [1e6, 1e12, 1e300, math.inf])
def test_retry_after_is_believed_for_a_day_at_most(retry_after: float) -> None:
    """Whoever answers so hides the task for years, or gives the database a date it has no number for."""
    assert decide_retry(transient(retry_after=retry_after), 1, POLICY, none) == Retry(DAY)


def test_a_retry_after_that_is_no_number_counts_as_none() -> None:
    assert decide_retry(transient(retry_after=math.nan), 1, POLICY, whole) == Retry(4.0)


@pytest.mark.parametrize(
    ("delay", "already", "decision"),
    [
        (5.0, 0.0, Postpone(5.0)),
        (5.0, DAY - 5.0, Postpone(5.0)),
        (5.0, DAY - 4.9, GiveUp),
        (0.0, DAY + 1, GiveUp),
        (DAY, 0.0, Postpone(DAY)),
        (DAY + 1, 0.0, GiveUp),
        (math.inf, 0.0, GiveUp),
        (-3.0, 0.0, Postpone(0.0)),
        (0.0, 0.25, Postpone(0.25)),
        (0.5, 0.25, Postpone(0.5)),
        (0.0, 5.0, Postpone(1.0)),
        (0.0, 3600.0, Postpone(3.6)),
        (1.0, 3600.0, Postpone(1.0)),
    ],
)
def test_postponing_is_bounded_by_age(delay: float, already: float, decision: object) -> None:
    error = Postponed("open", "The breaker is open.", delay=delay)
    found = decide_retry(error, 1, POLICY, whole, postponed_seconds=already)
    assert found == decision if decision is not GiveUp else isinstance(found, GiveUp)


def test_the_error_after_too_many_postponements_says_so() -> None:
    found = decide_retry(Postponed("open", "The breaker is open.", delay=1), 1, POLICY, whole, postponed_seconds=DAY)
    assert found == GiveUp("open", "The breaker is open. (postponed for 24 hours, which is the limit)")


def test_postponing_asks_for_no_attempts() -> None:
    assert decide_retry(Postponed("open", "Open.", delay=1), 99, POLICY, whole) == Postpone(1)


@pytest.mark.parametrize(("failures", "longest"), [(0, 2.0), (1, 4.0), (2, 8.0), (3, 10.0), (50, 10.0), (10_000, 10.0)])
def test_backoff_doubles_up_to_its_cap(failures: int, longest: float) -> None:
    assert backoff(failures, POLICY, whole) == longest
    assert backoff(failures, POLICY, none) == 0.0


@pytest.mark.parametrize(
    ("hints", "seconds"), [(0, 30), (1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (9, 3600), (5000, 3600)]
)
def test_a_hint_counts_as_lost_after(hints: int, seconds: float) -> None:
    assert rehint_after(hints) == seconds


WAITING, READY, SKIPPED = TaskState.WAITING, TaskState.READY, TaskState.SKIPPED


@pytest.mark.parametrize(
    ("when", "still_open", "failed", "unsuccessful", "state"),
    [
        (When.SUCCEEDED, 0, 0, 0, READY),
        (When.SUCCEEDED, 2, 0, 0, WAITING),
        (When.SUCCEEDED, 2, 1, 1, SKIPPED),
        (When.SUCCEEDED, 0, 0, 1, SKIPPED),
        (When.SUCCEEDED, 1, 0, 1, WAITING),  # the one that is open may fail, which is passed on
        (When.FAILED, 0, 0, 0, SKIPPED),
        (When.FAILED, 0, 0, 3, SKIPPED),
        (When.FAILED, 0, 1, 1, READY),
        (When.FAILED, 1, 1, 1, WAITING),
        (When.ENDED, 0, 0, 0, READY),
        (When.ENDED, 0, 2, 3, READY),
        (When.ENDED, 1, 2, 3, WAITING),
    ],
)
def test_a_waiting_task_becomes(when: When, still_open: int, failed: int, unsuccessful: int, state: TaskState) -> None:
    assert dependent_state(when, still_open, failed, unsuccessful) is state


SUCCEEDED, FAILED, CANCELLED = TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ({(SUCCEEDED, False): 3}, JobState.SUCCEEDED),
        ({(SUCCEEDED, False): 1, (SKIPPED, False): 2}, JobState.SUCCEEDED),
        ({(SUCCEEDED, False): 1, (FAILED, True): 2}, JobState.SUCCEEDED),
        ({(SUCCEEDED, False): 1, (FAILED, False): 1}, JobState.FAILED),
        ({(CANCELLED, False): 1, (FAILED, False): 1}, JobState.FAILED),
        ({(CANCELLED, False): 1, (FAILED, True): 1}, JobState.CANCELLED),
        ({(CANCELLED, True): 1, (SUCCEEDED, False): 1}, JobState.CANCELLED),
        ({(FAILED, False): 0, (CANCELLED, False): 0, (SUCCEEDED, False): 1}, JobState.SUCCEEDED),
    ],
)
def test_a_job_ends_as(ends: dict[tuple[TaskState, bool], int], state: JobState) -> None:
    assert job_end(ends) is state


def test_an_error_is_shown_without_what_no_database_takes() -> None:
    assert error_of("x", "a\x00b\ud800", retryable=False) == {"code": "x", "message": "ab\ufffd", "retryable": False}
