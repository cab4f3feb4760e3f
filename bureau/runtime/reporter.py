"""Writes the events of running tasks in batches, and keeps the worker's rows up to date."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

import structlog

from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.workers import NewWorker
from bureau.ledger.jobs import progress as running
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.leases import Held
from bureau.process.background_loop import Loop
from bureau.runtime.execution.event_buffer import Progress
from bureau.runtime.execution.execution import Execution
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.pace import Pace
from bureau.runtime.process_memory import Memory

WRITE_SECONDS = 0.5
WRITE_SHARE = 0.1  # of the time, at most: with hundreds of tasks that log much it writes less often, and more at once
WRITE_AT_MOST_SECONDS = 2.0
SEEN_SECONDS = 10.0
EARLY_SECONDS = 1.0  # the minimum between announcements

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ServedQueue:
    """Holds a queue that the process serves: its worker row, its runners' paces, and its service's outages."""

    worker: NewWorker
    paces: Sequence[Pace]
    trouble: Callable[[], Sequence[Outage]]


class Reporter:
    """Reports for all queues that the process serves; there is one in a process."""

    def __init__(self, db: Database, heartbeat: Heartbeat, served: Sequence[ServedQueue]) -> None:
        self._db = db
        self._heartbeat = heartbeat
        self._served = served
        self._next_seen = self._next_early = 0.0
        self._memory = Memory()
        self._loop = Loop("reporter", self._report)
        self.start, self.unhealthy_reason = self._loop.start, self._loop.unhealthy_reason

    def register(self) -> None:
        """Announces the process; if the ledger is away, the loop does it as soon as the ledger answers."""
        try:
            for one in self._served:
                workers.register(self._db, one.worker)
        except LedgerUnavailable:
            log.warning("the ledger is unavailable; the worker will announce itself later")

    def stop(self) -> None:
        self._loop.stop()
        try:
            workers.stopped(self._db, [one.worker.id for one in self._served])
        except LedgerUnavailable:
            log.warning("the ledger is unavailable; the worker will expire there by itself")

    def _report(self) -> float:
        if time.monotonic() >= self._next_seen or self._outpaced():
            self._report_alive()  # first: a worker is alive even if its tasks' events cannot be written
            self._next_seen = time.monotonic() + SEEN_SECONDS
            self._next_early = time.monotonic() + EARLY_SECONDS
        began = time.monotonic()
        self._write([one for one in self._heartbeat.executions() if began - one.began >= WRITE_SECONDS])
        return pause_seconds(time.monotonic() - began)

    def _outpaced(self) -> bool:
        """Returns whether a queue's window should grow before the next regular announcement."""
        return time.monotonic() >= self._next_early and any(pace.outgrown for one in self._served for pace in one.paces)

    def _write(self, executions: list[Execution]) -> None:
        """Writes events in one transaction. A task's finish waits for it, and so never finds its rows locked by it.

        Executions that began just now are left out: most end before the next write, and their finish writes their
        events without a further transaction.
        """
        by_job: dict[UUID, list[TaskEvent]] = defaultdict(list)
        progress: dict[Held, Progress] = {}
        with ExitStack() as written:
            for execution in executions:
                events = execution.events
                if events.has_news:  # the finish of one without events need not wait for this write
                    unwritten = written.enter_context(events.writing())
                    by_job[execution.job_id] += unwritten.events
                    if unwritten.progress is not None:
                        progress[execution.held] = unwritten.progress
            running.write_events(self._db, by_job, progress)

    def _report_alive(self) -> None:
        memory = self._memory.looked()
        for one in self._served:
            kept = workers.seen(
                self._db,
                one.worker.id,
                busy=sum(pace.busy for pace in one.paces),
                claimed=sum(pace.claimed_lately() for pace in one.paces),
                memory_bytes=memory,
                trouble=one.trouble(),
            )
            if not kept:
                workers.register(self._db, one.worker)


def pause_seconds(took: float) -> float:
    """Returns the pause until the next write, after one that `took` so many seconds."""
    return min(max(WRITE_SECONDS, took / WRITE_SHARE), WRITE_AT_MOST_SECONDS)
