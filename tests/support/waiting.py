"""Waits for a condition. Tests never sleep for a guessed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02
POLL_SHARE = 0.05  # of the time waited so far: what takes long is asked about less often, and costs others less
POLL_AT_MOST_SECONDS = 0.25


def until(
    condition: Callable[[], T],
    seconds: float = 10.0,
    message: str | Callable[[], str] = "the condition",
    *,
    ignoring: type[Exception] | tuple[type[Exception], ...] = (),
) -> T:
    """The first true value of `condition`, asked every 20 ms at first; AssertionError with `message` after `seconds`.

    Exceptions in `ignoring` count as "not yet" (a refused connection); the last one is the error's cause.
    """
    began = time.monotonic()
    last: Exception | None = None
    while True:
        try:
            if value := condition():
                return value
        except ignoring as error:
            last = error
        waited = time.monotonic() - began
        if waited >= seconds:
            text = message() if callable(message) else message
            raise AssertionError(f"waited {seconds:g} s in vain for: {text}") from last
        time.sleep(min(max(POLL_SECONDS, waited * POLL_SHARE), POLL_AT_MOST_SECONDS))
