"""Limits how many calls pass in any second."""

from collections import deque


class Throttle:
    """Lets `count` calls pass in any `seconds`; the caller passes the monotonic time."""

    def __init__(self, count: int, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._passed: deque[float] = deque(maxlen=count)

    def passes(self, now: float) -> bool:
        """Returns whether one more may pass at `now`, and counts it if so."""
        full = len(self._passed) == self._passed.maxlen
        if full and now - self._passed[0] < self._seconds:
            return False
        self._passed.append(now)
        return True
