"""Writes the ends of executions in groups, in a thread of its own: one transaction for all that wait."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

import structlog

from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.jobs.outcome import Outcome
from bureau.process.background_loop import Loop
from bureau.runtime.execution.execution import Execution
from bureau.runtime.finishing import Ended, Finishing

T = TypeVar("T")

ENDS_AT_MOST = 500  # in one transaction; their jobs stay locked until all are written
BUSY_SECONDS = 0.05  # ends that come less than this after others
GATHER_SECONDS = 0.01  # wait this long for the next ones
IDLE_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Endings:
    """Finishes executions of one queue. `add` never blocks; `done` is called for each one after its end is written."""

    def __init__(
        self, queue: str, finishing: Finishing, done: Callable[[Execution], object], threads: ThreadPoolExecutor
    ) -> None:
        """`threads` are for ends that wait for locks of others."""
        self._finishing = finishing
        self._done = done
        self._threads = threads
        self._open = 0  # ends that were added and are not settled
        self._none_open = threading.Condition()
        self._ended: deque[tuple[Execution, Outcome | None]] = deque()
        self._unwritten: list[Ended] = []  # while the ledger is away
        self._wrote_at = float("-inf")
        self._lock = threading.Lock()
        self._blocked: dict[UUID, deque[Ended]] = {}  # by job; a thread is at work for each job in it
        self._loop = Loop(f"ends of {queue}", self._step)
        self.start, self.stop, self.unhealthy_reason = self._loop.start, self._loop.stop, self._loop.unhealthy_reason

    def add(self, execution: Execution, ending: Outcome | None) -> None:
        """Takes an execution that has ended; `ending` is None if its claim was lost."""
        with self._none_open:
            self._open += 1
        self._ended.append((execution, ending))
        self._loop.wake()

    @property
    def open(self) -> int:
        """Returns how many ends are not written yet."""
        return self._open

    def join(self, seconds: float) -> bool:
        """Waits until all ends are written. Returns False if that takes longer."""
        with self._none_open:
            return self._none_open.wait_for(lambda: self._open == 0, max(seconds, 0.0))

    def _step(self) -> float:
        if self._ended and time.monotonic() - self._wrote_at < BUSY_SECONDS:
            time.sleep(GATHER_SECONDS)
        group = self._unwritten or [Ended.of(*one) for one in taken(self._ended, ENDS_AT_MOST)]
        if not group:
            return IDLE_SECONDS
        self._unwritten = group
        deferred = self._finishing.finish_group(group)
        self._unwritten = []
        self._wrote_at = time.monotonic()
        self._settle(group, deferred)
        for one in deferred:
            self._wait_for_its_job(one)
        return 0.0 if self._ended else IDLE_SECONDS

    def _settle(self, group: list[Ended], deferred: list[Ended]) -> None:
        left = {id(one) for one in deferred}
        for one in group:
            if id(one) not in left:
                self._settled(one)

    def _settled(self, one: Ended) -> None:
        self._done(one.execution)
        with self._none_open:
            self._open -= 1
            if not self._open:
                self._none_open.notify_all()

    def _wait_for_its_job(self, ended: Ended) -> None:
        job_id = ended.execution.job_id
        with self._lock:
            waiting = self._blocked.get(job_id)
            if waiting is not None:
                waiting.append(ended)
                return
            self._blocked[job_id] = deque([ended])
        self._threads.submit(self._finish_blocked, job_id)

    def _finish_blocked(self, job_id: UUID) -> None:
        """Finishes what waits for the locks of one job, together."""
        while True:
            with self._lock:
                group = taken(self._blocked[job_id], ENDS_AT_MOST)
                if not group:
                    del self._blocked[job_id]
                    return
            alone = group
            try:
                alone = self._finishing.finish_group(group, waiting=True)
            except LedgerUnavailable:
                log.info("the ledger is away: these ends are written one by one", ends=len(group))
            self._settle(group, alone)
            for one in alone:
                self._finish_alone(one)

    def _finish_alone(self, ended: Ended) -> None:
        try:
            self._finishing.finish(ended)
        except Exception:
            log.exception("an ending could not be written; its lease expires", task_id=str(ended.execution.task_id))
        finally:
            self._settled(ended)


def taken(waiting: deque[T], at_most: int) -> list[T]:
    """Takes the first ones of what waits."""
    return [waiting.popleft() for _ in range(min(at_most, len(waiting)))]
