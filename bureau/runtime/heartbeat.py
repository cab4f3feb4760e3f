"""Renews the leases of running tasks, and tells tasks when to stop.

It runs in its own thread on its own connection with short timeouts, so that neither a busy pool nor a long lock
elsewhere can cost a lease.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bureau.ledger.db.database import Database
from bureau.ledger.jobs import leases
from bureau.ledger.jobs.claim import LEASE_SECONDS
from bureau.ledger.jobs.leases import Held, LeaseStatus
from bureau.process.background_loop import Loop
from bureau.runtime.execution.execution import Execution
from bureau.stop_token import StopReason

RENEW_SECONDS = 10.0
ASK_SECONDS = 1.0
LOOK_SECONDS = 0.25  # the precision of time limits

_REASONS = {LeaseStatus.STOP: StopReason.CANCELLED, LeaseStatus.LOST: StopReason.LEASE_LOST}


class Heartbeat:
    """Keeps the leases of the executions of this process."""

    def __init__(self, db: Database, *, grace_seconds: float, lease_seconds: float = LEASE_SECONDS) -> None:
        self._db = db
        self._grace_seconds = grace_seconds
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._held: dict[Held, Execution] = {}
        self._renewed: dict[Held, float] = {}
        self._next_ask = 0.0
        self._loop = Loop("heartbeat", self._beat)
        self.start, self.stop, self.unhealthy_reason = self._loop.start, self._loop.stop, self._loop.unhealthy_reason

    @contextmanager
    def holding(self, execution: Execution) -> Iterator[None]:
        """Renews the execution's lease while the block runs."""
        self.hold(execution)
        try:
            yield
        finally:
            self.release(execution)

    def hold(self, execution: Execution) -> None:
        """Renews the execution's lease until it is released."""
        with self._lock:
            self._held[execution.held] = execution
            self._renewed[execution.held] = time.monotonic()  # the claim was the first lease

    def release(self, execution: Execution) -> None:
        with self._lock:
            del self._held[execution.held], self._renewed[execution.held]

    def executions(self) -> list[Execution]:
        """Returns what runs in this process now."""
        with self._lock:
            return list(self._held.values())

    def unresponsive_task(self) -> str | None:
        """Returns a task that was asked to stop and still runs after the grace; None if all tasks respond."""
        for execution in self.executions():
            waited = time.monotonic() - (execution.stop.set_at or math.inf)
            if waited > self._grace_seconds:
                asked = f"{execution.claim.run} was asked to stop ({execution.stop.reason}) {waited:.0f} s ago"
                return f"{asked}: task {execution.task_id}, claim {execution.claim_no}"
        return None

    def stop_all(self, reason: StopReason) -> None:
        for execution in self.executions():
            execution.stop.set(reason)

    def _beat(self) -> float:
        self._watch_time_limits()
        self._interrupt()
        self._renew()
        if time.monotonic() >= self._next_ask:
            self._ask()
            self._next_ask = time.monotonic() + ASK_SECONDS
        return LOOK_SECONDS

    def _watch_time_limits(self) -> None:
        for execution in self.executions():
            if time.monotonic() >= execution.deadline:
                execution.stop.set(StopReason.TIME_LIMIT)

    def _interrupt(self) -> None:
        """Interrupts the tasks that were asked to stop and do not look at their context."""
        for execution in self.executions():
            execution.interrupt.send_if_due()

    def _renew(self) -> None:
        asked_at = time.monotonic()
        with self._lock:
            due = [held for held, renewed in self._renewed.items() if asked_at - renewed >= RENEW_SECONDS]
        renewed = leases.renew(self._db, due, lease_seconds=self._lease_seconds)
        with self._lock:
            for held in renewed & self._renewed.keys():
                self._renewed[held] = asked_at

    def _ask(self) -> None:
        with self._lock:
            held = list(self._held)
        for claim, status in leases.statuses(self._db, held).items():
            if reason := _REASONS.get(status):
                with self._lock:
                    execution = self._held.get(claim)
                if execution is not None:
                    execution.stop.set(reason)
