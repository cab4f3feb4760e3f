"""Polls the ledger four times a second for new events of the jobs and owners that streams of this process follow.

Each poll makes two queries, however many streams there are: the latest event of each followed job, and what was
committed to the followed owners' jobs since the last poll. Without streams it makes none.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from uuid import UUID

from bureau.ledger.db.database import Database
from bureau.ledger.jobs.event_cursor import EventCursor
from bureau.ledger.reads import event_history
from bureau.process.background_loop import Loop
from bureau.services.gateway.following.subscription import Subscription

LOOK_SECONDS = 0.25
IDLE_SECONDS = 30.0  # without streams; a new stream wakes it
JOB_EVENTS = 500  # of a job in one poll; the rest comes with the next
OWNER_EVENTS = 10_000  # of all owners in one poll; more occur only after a long pause of the process


class Hub:
    """Distributes new events to streams.

    Each process has one, made before a fork: its thread starts with the first stream, and ends once `stopping` is set.
    """

    def __init__(self, database: Database, stopping: Event) -> None:
        self._database = database
        self._stopping = stopping
        self._lock = Lock()
        self._jobs: dict[UUID, set[Subscription]] = defaultdict(set)
        self._seen: dict[UUID, int] = {}  # of each followed job, the last event that was delivered
        self._owners: dict[str, set[Subscription]] = defaultdict(set)
        self._place: EventCursor | None = (
            None  # up to here events were delivered to owners' streams; None while there are none
        )
        self._loop = Loop("events", self._look)

    @contextmanager
    def following_job(self, job_id: UUID, seen: int) -> Iterator[Subscription]:
        """Delivers every event after `seen`, or after a later one that was committed before this call.

        So a caller that now reads the ledger up to its present end, and takes the events with higher numbers from here,
        misses none.
        """
        subscription = Subscription()
        with self._lock:
            self._jobs[job_id].add(subscription)
            self._seen.setdefault(job_id, seen)
        self._wake()
        try:
            yield subscription
        finally:
            with self._lock:
                self._jobs[job_id].discard(subscription)
                if not self._jobs[job_id]:
                    del self._jobs[job_id], self._seen[job_id]

    @contextmanager
    def following_owner(self, owner: str) -> Iterator[Subscription]:
        """Delivers every event that is committed to the owner's jobs from now on. Raises `LedgerUnavailable`."""
        subscription = Subscription()
        now = event_history.present(self._database)
        with self._lock:
            self._place = self._place or now
            self._owners[owner].add(subscription)
        self._wake()
        try:
            yield subscription
        finally:
            with self._lock:
                self._owners[owner].discard(subscription)
                if not self._owners[owner]:
                    del self._owners[owner]
                if not self._owners:
                    self._place = None

    def _wake(self) -> None:
        with self._lock:
            self._loop.start()
        self._loop.wake()

    def _look(self) -> float:
        if self._stopping.is_set():
            self._loop.stop()
            return 0.0
        full = self._look_at_jobs()
        self._look_at_owners()
        if full:
            return 0.0
        return LOOK_SECONDS if self._seen or self._place else IDLE_SECONDS

    def _look_at_jobs(self) -> bool:
        """Returns whether there are more events than were read."""
        with self._lock:
            seen = dict(self._seen)
        found = event_history.new_to_jobs(self._database, seen, limit=JOB_EVENTS) if seen else {}
        with self._lock:
            for job_id, events in found.items():
                if events and job_id in self._seen:
                    self._seen[job_id] = max(self._seen[job_id], events[-1].seq)
                    for subscription in self._jobs[job_id]:
                        subscription.put(events)
        return any(len(events) == JOB_EVENTS for events in found.values())

    def _look_at_owners(self) -> None:
        """Delivers owners' events.

        The new position is read before the list of streams, so that a stream that starts later misses none of its
        events.
        """
        since = self._place
        if since is None:
            return
        until = event_history.present(self._database)
        with self._lock:
            owners = list(self._owners)
        found = event_history.new_to_owners(self._database, owners, since, until, limit=OWNER_EVENTS)
        with self._lock:
            if self._place is not since:
                return  # all streams have left, and those that came meanwhile start at a position of their own
            self._place = until
            for owner in owners:
                for subscription in self._owners.get(owner, ()):
                    if found is None:
                        subscription.overflow()
                    elif owner in found:
                        subscription.put(found[owner])
