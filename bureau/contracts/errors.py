"""Defines the errors that a task raises. The type decides what happens next; the runner is the one place that maps it.

| raised | what the ledger does |
| --- | --- |
| `TransientError` | tries again with backoff, while attempts are left |
| `PermanentError` | fails the task at once |
| `Postponed` | tries again later without counting an attempt |
| anything else | like `TransientError`, code `unexpected_error` |

`message` is shown to the user: it says what is wrong and how to fix it, and never contains a secret.
"""

from collections.abc import Sequence
from typing import NamedTuple

MAX_DETAILS = 100  # the ledger keeps them with the task, its attempt, its event and its job


class ErrorDetail(NamedTuple):
    """Describes one of several errors in the input, and its place as far as that is known."""

    message: str
    file: str | None = None
    line: int | None = None
    column: str | None = None


class TaskError(Exception):
    """Serves as the base of task failures, with a stable `code` (snake_case) and a `message` for users.

    `details` list several errors in the input; only the first `MAX_DETAILS` are kept.
    """

    def __init__(self, code: str, message: str, *, details: Sequence[ErrorDetail] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details[:MAX_DETAILS])


class TransientError(TaskError):
    """Says that the task may succeed later. The retry honours `retry_after` (seconds) if the other side gave it."""

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class PermanentError(TaskError):
    """Says that the task will never succeed, so it is not retried."""


class Postponed(TaskError):
    """Says that the task must wait through no fault of its own, such as for an open circuit breaker or a rate limit.

    The task runs again in `delay` seconds, and no attempt is counted.
    """

    def __init__(self, code: str, message: str, *, delay: float) -> None:
        super().__init__(code, message)
        self.delay = delay


class Stopped(BaseException):
    """Says that the execution was asked to stop. It is a BaseException, so a task's `except Exception` lets it pass."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
