"""How a task says what went wrong. The type decides what happens next; the runner maps it once.

| raised | what the ledger does |
| --- | --- |
| `TransientError` | tries again with backoff, while attempts are left |
| `PermanentError` | fails the task at once |
| `Postponed` | tries again later without counting an attempt |
| anything else | like `TransientError`, code `unexpected_error` |

`message` is shown to the user: say what is wrong and what mends it, and never put a secret in it.
"""

from collections.abc import Sequence
from typing import NamedTuple

MAX_DETAILS = 100  # the ledger keeps them with the task, its attempt, its event and its job


class ErrorDetail(NamedTuple):
    """One of several errors in what was sent; where it is, as far as that is known."""

    message: str
    file: str | None = None
    line: int | None = None
    column: str | None = None


class TaskError(Exception):
    """A failure with a stable `code` (snake_case) and a `message` a user understands.

    `details` list several errors in what was sent; the first `MAX_DETAILS` of them are kept.
    """

    def __init__(self, code: str, message: str, *, details: Sequence[ErrorDetail] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details[:MAX_DETAILS])


class TransientError(TaskError):
    """May work later. `retry_after` (seconds) is honoured where the other side named it."""

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class PermanentError(TaskError):
    """Will not work however often it is tried."""


class Postponed(TaskError):
    """Not this task's fault (an open breaker, a rate limit): again in `delay` seconds, no attempt spent."""

    def __init__(self, code: str, message: str, *, delay: float) -> None:
        super().__init__(code, message)
        self.delay = delay


class Stopped(BaseException):
    """The execution was asked to stop. A BaseException, so that a task's `except Exception` lets it pass."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
