"""Decides retries with backoff, dependents and the end of a job in pure functions, without SQL or a clock."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bureau.contracts.base import clean, clean_text
from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.errors import PermanentError, Postponed, TaskError, TransientError
from bureau.contracts.jobs.states import JobState, TaskState, When

CRASH_BUDGET = 5
CRASH_POLICY = RetryPolicy(max_attempts=CRASH_BUDGET, base_seconds=1.0, cap_seconds=60.0)
POSTPONED_AT_MOST_SECONDS = 24 * 3600.0
RETRY_AFTER_AT_MOST_SECONDS = 24 * 3600.0  # a longer wait would hide a task for years
HINT_AGAIN_SECONDS = 30.0
HINT_AGAIN_CAP_SECONDS = 3600.0

PRIORITIES = range(10)
PRIORITY_WORTH = timedelta(minutes=10)

Jitter = Callable[[float], float]  # takes seconds, returns a random part of them


@dataclass(frozen=True)
class Retry:
    """Makes the task ready again in `delay` seconds; an attempt is used."""

    delay: float


@dataclass(frozen=True)
class Postpone:
    """Makes the task ready again in `delay` seconds; no attempt is used."""

    delay: float


@dataclass(frozen=True)
class GiveUp:
    """Fails the task permanently."""

    code: str
    message: str


def decide_retry(
    error: TaskError, failures: int, policy: RetryPolicy, jitter: Jitter, *, postponed_seconds: float = 0.0
) -> Retry | Postpone | GiveUp:
    """Decides what follows an error. `failures` includes this one; `postponed_seconds`: time postponed so far."""
    match error:
        case Postponed() if postponed_seconds + error.delay <= POSTPONED_AT_MOST_SECONDS:
            return Postpone(_wait(error.delay, postponed_seconds))
        case Postponed():
            hours = POSTPONED_AT_MOST_SECONDS / 3600
            return GiveUp(error.code, f"{error.message} (postponed for {hours:.0f} hours, which is the limit)")
        case PermanentError():
            return GiveUp(error.code, error.message)
        case _ if failures >= policy.max_attempts:
            return GiveUp(error.code, error.message)
        case TransientError(retry_after=float() | int() as seconds) if not math.isnan(seconds):
            return Retry(min(max(float(seconds), 0.0), RETRY_AFTER_AT_MOST_SECONDS) + jitter(policy.base_seconds))
        case _:
            return Retry(backoff(failures, policy, jitter))


def _wait(delay: float, postponed_seconds: float) -> float:
    """Returns the wait of a task that is postponed by `delay`; one below a second grows with the time so far.

    A task that is postponed by no time at all would run thousands of times an hour for a day, and each time is a row of
    its attempts.
    """
    return delay if delay >= 1 else max(delay, min(postponed_seconds, max(1.0, postponed_seconds / 1000)))


def backoff(failures: int, policy: RetryPolicy, jitter: Jitter) -> float:
    """Returns exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter")."""
    return jitter(min(policy.cap_seconds, policy.base_seconds * 2.0 ** min(failures, 60)))


def rank(priority: int, due_at: datetime) -> datetime:
    """Returns the sort key of due tasks, earliest first.

    One step of priority is worth ten minutes of waiting, so that waiting tasks rise slowly and none starves.
    """
    return due_at - priority * PRIORITY_WORTH


def rehint_after(hints: int) -> float:
    """Returns the seconds after which a message published `hints` times counts as lost."""
    return min(HINT_AGAIN_CAP_SECONDS, HINT_AGAIN_SECONDS * 2.0 ** min(max(hints - 1, 0), 20))


def dependent_state(when: When, upstream_open: int, upstream_failed: int, upstream_unsuccessful: int) -> TaskState:
    """Returns the state of a waiting task after one of the tasks in its `after` ended.

    A task that needs success is skipped at the first failure. If nothing failed, it is skipped once all have ended:
    until then, a failure may still come, which it would pass on.
    """
    if when is When.SUCCEEDED and upstream_failed:
        return TaskState.SKIPPED
    if upstream_open:
        return TaskState.WAITING
    if (when is When.SUCCEEDED and upstream_unsuccessful) or (when is When.FAILED and not upstream_failed):
        return TaskState.SKIPPED
    return TaskState.READY


def job_end(ends: Mapping[tuple[TaskState, bool], int]) -> JobState:
    """Returns the state of a job whose tasks have all ended; `ends` counts them by (state, optional)."""
    if ends.get((TaskState.FAILED, False)):
        return JobState.FAILED
    if any(count for (state, _), count in ends.items() if state is TaskState.CANCELLED):
        return JobState.CANCELLED
    return JobState.SUCCEEDED


def error_of(code: str, message: str, *, retryable: bool, details: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Returns an error as the API shows it. The message and details may hold any text of an exception."""
    error: dict[str, Any] = {"code": code, "message": clean_text(message), "retryable": retryable}
    return {**error, "details": clean(list(details))} if details else error
