"""Defines the errors that a task raises. The type decides what happens next; the runner is the one place that maps it.

| raised | what the ledger does |
| --- | --- |
| `TransientError` | tries again with backoff, while attempts are left |
| `PermanentError` | fails the task at once |
| `Postponed` | tries again later without counting an attempt |
| anything else | like `TransientError`, code `unexpected_error` |

`message` is shown to the user: it says what is wrong and how to fix it, and never contains a secret.

The constructors check what an author gives them, because a wrong value would be found out only when the ledger refuses
it, which is too late: a code that is no code raises `ValueError`, as does a time that is no number. Messages often
repeat what came from elsewhere, so they are cut rather than refused.
"""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple, SupportsFloat

MAX_DETAILS = 100  # the ledger keeps them with the task, its attempt, its event and its job
MESSAGE_CHARACTERS = 4000
# A login that was refused is tried again so slowly: a person has to mend it, and many servers lock an account that is
# refused a few times in a row.
LOGIN_REFUSED_SECONDS = 300.0
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


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

    def __init__(self, code: str, message: str, *, details: Iterable[ErrorDetail] = ()) -> None:
        self.code = _code(code)
        self.message = _message(message)
        self.details = tuple(ErrorDetail(*detail) for detail in details)[:MAX_DETAILS]
        super().__init__(self.message)


class TransientError(TaskError):
    """Says that the task may succeed later. The retry honours `retry_after` (seconds) if the other side gave it."""

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        after = None if retry_after is None else _seconds("retry_after", retry_after)
        self.retry_after = None if after is None or math.isnan(after) else after  # what the other side gave may be NaN


class PermanentError(TaskError):
    """Says that the task will never succeed, so it is not retried."""


class Postponed(TaskError):
    """Says that the task must wait through no fault of its own, such as for an open circuit breaker or a rate limit.

    The task runs again in `delay` seconds, and no attempt is counted.
    """

    def __init__(self, code: str, message: str, *, delay: float) -> None:
        super().__init__(code, message)
        self.delay = _seconds("delay", delay)
        if math.isnan(self.delay):
            raise ValueError("delay is a number of seconds, not NaN")


class Stopped(BaseException):
    """Says that the execution was asked to stop. It is a BaseException, so a task's `except Exception` lets it pass."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_code(code: object) -> bool:
    """Returns whether this is the code of an error: snake_case, in at most 64 characters."""
    return isinstance(code, str) and _CODE.fullmatch(code) is not None


def _code(code: str) -> str:
    if not is_code(code):
        raise ValueError(
            f"the code of an error is snake_case, in at most 64 characters, such as no_roster: {code!r:.80}"
        )
    return str.__str__(code)


def _message(message: object) -> str:
    text = message if isinstance(message, str) else str(message)
    return text if len(text) <= MESSAGE_CHARACTERS else f"{text[: MESSAGE_CHARACTERS - 1]}…"


def _seconds(name: str, seconds: SupportsFloat) -> float:
    """Returns the number as a float; a time that lies in the past is no wait."""
    try:
        number = float(seconds)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is a number of seconds: {seconds!r:.80}") from error
    return max(number, 0.0)
