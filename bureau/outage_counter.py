"""Outages of something outside, in a row. A few of them are no weather any more: then it counts as away."""

import threading
from datetime import UTC, datetime

from bureau.contracts.outage import Outage

ENOUGH = 3


class OutageCounter:
    """Counted by all threads of a process: `in_a_row` since it was last of use; `why`, what the last one said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.why = ""
        self._away_since: datetime | None = None
        self.in_a_row = 0

    @property
    def away(self) -> bool:
        return self.in_a_row >= ENOUGH

    def met(self, why: str) -> None:
        """`why` is for users and holds no secret."""
        with self._lock:
            self.in_a_row += 1
            self.why = why
            if self.in_a_row == ENOUGH:
                self._away_since = datetime.now(UTC)

    def over(self) -> None:
        with self._lock:
            self.in_a_row = 0
            self._away_since = None

    def trouble(self, name: str, how: str) -> list[Outage]:
        """What it is called, and how it is away; nothing while it is there."""
        with self._lock:
            since, why = self._away_since, self.why
        return [Outage(name=name, how=how, since=since, why=why)] if since else []
