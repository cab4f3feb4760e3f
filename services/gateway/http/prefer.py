"""Implements `Prefer: wait=N` (RFC 7240): how long an answer may be held back until a job ends."""

import re
import time
from collections.abc import Callable
from threading import Event, Semaphore

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25


def wait_seconds(header: str | None, at_most: float) -> float | None:
    """Returns the requested seconds, cut to the limit; None if the header requests no wait."""
    found = _WAIT.search(header or "")
    return min(float(found[1]), at_most) if found else None


def wait_until(done: Callable[[], bool], seconds: float, stopping: Event, slots: Semaphore) -> bool:
    """Waits for `done` and returns whether it became true in time. It polls often at first, later four times a second.

    Each wait holds a thread of the server, so there are only so many `slots`: without one the answer is the current
    state. It stops waiting when the process is `stopping`.
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
    """Returns the header that confirms the preference."""
    return {"Preference-Applied": f"wait={seconds:.0f}"}
