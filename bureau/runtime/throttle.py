"""At most so many in any second."""

from collections import deque


class Throttle:
    """Lets `count` pass in any `seconds`; the caller brings the time, monotonic."""

    def __init__(self, count: int, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._passed: deque[float] = deque(maxlen=count)

    def passes(self, now: float) -> bool:
        """Whether one more may pass at `now`; then it has."""
        full = len(self._passed) == self._passed.maxlen
        if full and now - self._passed[0] < self._seconds:
            return False
        self._passed.append(now)
        return True
