"""Counts the last hour of each queue by minute. Past minutes are read once and cached."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from bureau.ledger.db.database import Database
from bureau.ledger.reads import throughput
from bureau.ledger.reads.throughput import Minute, whole_minute

MINUTES = 60
_MINUTE = timedelta(minutes=1)
# A task's end has the time of its statement and is seen after its commit: it may appear this much later.
_SETTLED = timedelta(minutes=2)


@dataclass(frozen=True)
class LastHour:
    """`done` holds the counts of 60 minutes, the oldest first; `failed` is the sum of failures."""

    done: tuple[int, ...]
    failed: int
    last_done: datetime | None

    @property
    def a_minute(self) -> float:
        """Returns the tasks a minute, over the last five full minutes."""
        return sum(self.done[-6:-1]) / 5


QUIET = LastHour((0,) * MINUTES, 0, None)


class Pulse:
    """The cache of counts; a process has one."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = Lock()
        self._known: dict[tuple[str, datetime], Minute] = {}
        self._known_until: datetime | None = None  # earlier minutes cannot change any more

    def read(self) -> tuple[datetime, dict[str, LastHour]]:
        """Returns the ledger's time, and each queue in which a task ended. Raises `LedgerUnavailable`."""
        with self._lock:
            now = throughput.clock(self._db)
            first = whole_minute(now) - _MINUTE * (MINUTES - 1)
            since = max(first, self._known_until or first)
            self._known = {at: one for at, one in self._known.items() if first <= at[1] < since}
            self._known |= {(one.queue, one.at): one for one in throughput.minutes(self._db, since)}
            self._known_until = whole_minute(now) - _SETTLED
            return now, _by_queue(list(self._known.values()), first)


def _by_queue(found: list[Minute], first: datetime) -> dict[str, LastHour]:
    queues = {one.queue for one in found}
    return {queue: _last_hour([one for one in found if one.queue == queue], first) for queue in queues}


def _last_hour(found: list[Minute], first: datetime) -> LastHour:
    done = [0] * MINUTES
    for one in found:
        index = int((one.at - first) / _MINUTE)
        if 0 <= index < MINUTES:
            done[index] = one.succeeded
    last = max((one.at + _MINUTE for one in found if one.succeeded), default=None)
    return LastHour(tuple(done), sum(one.failed for one in found), last)
