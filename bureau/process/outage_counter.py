"""Counts consecutive failures of something outside. After a few of them it counts as down."""

import threading
from datetime import UTC, datetime

from bureau.contracts.outage import Outage

ENOUGH = 3  # consecutive failures, so that a single passing one does not count


class OutageCounter:
    """Counts the failures that all threads of a process see.

    `in_a_row` is the number of failures since the last success, `why` the message of the last failure.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.why = ""
        self._away_since: datetime | None = None
        self.in_a_row = 0

    @property
    def away(self) -> bool:
        """Tells whether it counts as down."""
        return self.in_a_row >= ENOUGH

    def met(self, why: str) -> None:
        """Counts a failure. `why` is for users and contains no secret."""
        with self._lock:
            self.in_a_row += 1
            self.why = why
            if self.in_a_row == ENOUGH:
                self._away_since = datetime.now(UTC)

    def over(self) -> None:
        """Resets the count after a success."""
        with self._lock:
            self.in_a_row = 0
            self._away_since = None

    def trouble(self, name: str, how: str) -> list[Outage]:
        """Returns the outage with the given `name` and `how`, or an empty list while there is none."""
        with self._lock:
            since, why = self._away_since, self.why
        return [Outage(name=name, how=how, since=since, why=why)] if since else []
