"""Decides what becomes of a submission that was sent from an outbox. Every form of the outbox uses it."""

from collections.abc import Callable
from dataclasses import dataclass

from bureau.client.errors import BureauError, Problem

LEASE_SECONDS = 60.0  # for which a row is left to the process that sends it
_REFUSALS = frozenset({400, 409, 413, 422})
_NOT_YET = frozenset({"unknown_run"})  # no worker has announced the task: one that is being deployed will
_RETRY_SECONDS = (1, 5, 15, 60, 300)


@dataclass(frozen=True)
class Accepted:
    """Says that the gateway has the job: the row is done."""


@dataclass(frozen=True)
class Postponed:
    """Says that the same submission may be accepted later, and why not now."""

    why: str


@dataclass(frozen=True)
class Refused:
    """Says that the gateway will never accept the submission: people have to look at it."""

    why: str


def attempted(send: Callable[[], None]) -> Accepted | Postponed | Refused:
    """Sends a submission once. Raises `BureauError` if the gateway is away or busy, so that the others need no try."""
    try:
        send()
    except Problem as problem:
        if problem.status not in _REFUSALS:
            raise
        return Postponed(str(problem)) if may_succeed_later(problem) else Refused(str(problem))
    return Accepted()


def may_succeed_later(error: BureauError) -> bool:
    """Returns whether the same submission may be accepted later: the gateway was away or busy, or the task is new."""
    if not isinstance(error, Problem):
        return True
    return error.status not in _REFUSALS or {one.code for one in error.errors} == _NOT_YET


def retry_seconds(tries: int) -> int:
    """Returns the pause after so many tries; it grows to five minutes."""
    return _RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)]
