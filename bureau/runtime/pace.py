"""Counts what a runner runs and how fast it claims, which decides how many hints its queue is given ahead."""

import threading
import time
from collections import deque
from collections.abc import Callable

from bureau.ledger.dispatch.workers import PACE_SECONDS


class Pace:
    """Counts for many threads. `capacity` is how many tasks can run at once.

    `used_up` is called when half of this worker's part of the window is used up.
    """

    def __init__(self, capacity: int, used_up: Callable[[], object], pool: "Pace | None" = None) -> None:
        """`pool` counts what runs in the same places for other queues too; it says how many are free."""
        self.capacity = capacity
        self.busy = 0
        self._pool = pool
        self._used_up = used_up
        self._lock = threading.Lock()
        self._claimed: deque[float] = deque(maxlen=100_000)
        self._announced = 0  # claims in 10 s, according to the worker's row
        self._since_used_up = 0

    @property
    def free(self) -> int:
        """Returns how many more tasks can run."""
        return self._pool.free if self._pool else self.capacity - self.busy

    @property
    def spare(self) -> bool:
        """Returns whether at most half of the capacity is in use."""
        return self._pool.spare if self._pool else 2 * self.busy <= self.capacity

    def began(self) -> None:
        with self._lock:
            self.busy += 1
        if self._pool:
            self._pool.began()

    def ended(self) -> None:
        with self._lock:
            self.busy -= 1
        if self._pool:
            self._pool.ended()

    def claimed(self, tasks: int = 1) -> None:
        """Counts claims that were made just now."""
        with self._lock:
            self._claimed.extend([time.monotonic()] * tasks)
            self._since_used_up += tasks
            if self._since_used_up < max(self.capacity, self._announced // 2):
                return
            self._since_used_up = 0
        self._used_up()

    def claimed_lately(self) -> int:
        """Counts the claims of the last 10 s, which the worker announces as the size of the queue's window."""
        with self._lock:
            self._announced = self._lately()
            return self._announced

    @property
    def outgrown(self) -> bool:
        """Returns whether claims exceed the announced number so much that the window limits the worker."""
        with self._lock:
            return self._lately() > 2 * max(self._announced, self.capacity)

    def _lately(self) -> int:
        since = time.monotonic() - PACE_SECONDS
        while self._claimed and self._claimed[0] < since:
            self._claimed.popleft()
        return len(self._claimed)
