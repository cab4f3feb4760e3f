"""Supplies a stream's events: all events of a job and then its new ones, or the new events of an owner's jobs."""

from collections.abc import Sequence
from contextlib import ExitStack
from threading import Event
from uuid import UUID

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.reads import event_history
from bureau.ledger.reads.event_history import Happened, Head
from bureau.services.gateway.following.hub import Hub

PAGE = 200
AWAY_SECONDS = 1.0  # between two attempts while the ledger is unavailable

FINISHED = "job.finished"


class JobEvents:
    """Supplies a job's events after a number, each once and in order, until the job has ended.

    Events are read from the ledger, page by page, until there are no more; then the hub delivers them. If the client is
    too slow for the hub, they are read from the ledger again: reading goes on after the last number sent, so nothing is
    lost.
    """

    def __init__(self, database: Database, hub: Hub, stopping: Event, job_id: UUID, *, after: int, head: Head) -> None:
        """Subscribes to the job. `head` was read before this; `after` is the last event that the client has."""
        self.ended = False
        self._database = database
        self._stopping = stopping
        self._job_id = job_id
        self._last = after
        self._finished = False  # the last event was the job's end; if the job was retried since, there are more
        self._reading = True
        self._left = ExitStack()
        self._subscription = self._left.enter_context(hub.following_job(job_id, head.seq))

    def take(self, seconds: float) -> Sequence[Happened]:
        """Returns the next events; waits for them at most `seconds`."""
        if self._reading:
            return self._read(seconds)
        found = self._subscription.take(seconds)
        if found is None:
            self._reading = True
            return []
        fresh = [event for event in found if event.seq > self._last]
        self._sent(fresh)
        self.ended = self._finished
        return fresh

    def close(self) -> None:
        self._left.close()

    def _read(self, seconds: float) -> list[Happened]:
        try:
            page = event_history.events_of(self._database, self._job_id, after=self._last, limit=PAGE)
        except LedgerUnavailable:
            self._stopping.wait(min(seconds, AWAY_SECONDS))
            return []
        self._sent(page)
        self._reading = bool(page)
        self.ended = self._finished and len(page) < PAGE
        return page

    def _sent(self, events: Sequence[Happened]) -> None:
        if events:
            self._last = events[-1].seq
            self._finished = events[-1].type == FINISHED


class OwnerEvents:
    """Supplies the events of an owner's jobs from now on, in each job's order.

    Ends if the client is too slow for it.
    """

    def __init__(self, hub: Hub, owner: str) -> None:
        """Subscribes to the owner's jobs. Raises `LedgerUnavailable`."""
        self.ended = False
        self._left = ExitStack()
        self._subscription = self._left.enter_context(hub.following_owner(owner))

    def take(self, seconds: float) -> Sequence[Happened]:
        found = self._subscription.take(seconds)
        self.ended = found is None
        return found or []

    def close(self) -> None:
        self._left.close()
