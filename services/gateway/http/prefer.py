"""`Prefer: wait=N` (RFC 7240): how long an answer may be held back for a job to end."""

import re
import time
from collections.abc import Callable
from threading import Event, Semaphore

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25


def wait_seconds(header: str | None, at_most: float) -> float | None:
    """The seconds asked for, cut to the limit; None where the header asks for no wait."""
    found = _WAIT.search(header or "")
    return min(float(found[1]), at_most) if found else None


def wait_until(done: Callable[[], bool], seconds: float, stopping: Event, slots: Semaphore) -> bool:
    """Whether `done` became true in time. Asks often at first, four times a second later.

    Each wait holds a thread of the server, so there are only so many `slots`: without one the answer is what is now.
    It stops waiting when the process is `stopping`.
    """
    if not slots.acquire(blocking=False):
        return done()
    try:
        return _wait(done, seconds, stopping)
    finally:
        slots.release()


def _wait(done: Callable[[], bool], seconds: float, stopping: Event) -> bool:
    ends = time.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    while not done():
        left = ends - time.monotonic()
        if left <= 0 or stopping.wait(min(pause, left)):
            return done()
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return True


def applied(seconds: float) -> dict[str, str]:
    """The header that says the preference was honoured."""
    return {"Preference-Applied": f"wait={seconds:.0f}"}
