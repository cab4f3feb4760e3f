"""Runs the scheduler's loops, every second or two; due tasks twice a second.

Every action is a conditional update, so any number of schedulers may run.
"""

import random
import time

import structlog

from bureau.ledger.access.quotas import Quota
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import hints, workers
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.jobs.claim import LEASE_SECONDS
from bureau.ledger.retention.policy import RetentionPolicy
from bureau.messaging.broker import HintPublisher
from bureau.messaging.relay import Relay
from bureau.metrics.survey import LOST_ATTEMPTS, LOST_HINTS
from bureau.process.background_loop import Loop
from bureau.services.scheduler.retention import retention_loops
from bureau.services.scheduler.schedule_file import ScheduleFile
from bureau.services.scheduler.schedules import NO_QUOTA, schedule_loops
from bureau.storage import Storage
from bureau.submission.requests.limits import DEFAULT_LIMITS, RequestLimits

DUE_SECONDS = 0.5
CHECK_SECONDS = 2.0  # for leases of 30 s, and for jobs that expire: each look costs 0.1 % of a core
LOST_SECONDS = 5.0

log = structlog.get_logger(__name__)


def jitter(seconds: float) -> float:
    """Returns a random delay of at most `seconds`."""
    return random.uniform(0, seconds)  # noqa: S311 - not a secret


class Scheduler:
    """Runs each duty in its own loop, so that a broker that is down does not keep leases from expiring."""

    def __init__(
        self,
        db: Database,
        storage: Storage,
        publisher: HintPublisher,
        relay: Relay,
        keep: RetentionPolicy,
        *,
        schedules: ScheduleFile | None = None,
        quota: Quota = NO_QUOTA,
        limits: RequestLimits = DEFAULT_LIMITS,
        expires_leases: bool = True,
    ) -> None:
        """`keep` is the retention policy, `schedules` the file of schedules.

        `quota` is the quota of each owner who has keys; `limits` are those of every request.
        """
        self._db = db
        self._publisher = publisher
        self._relay = relay
        self._expire_leases_after = time.monotonic() + LEASE_SECONDS
        self._loops: list[Loop | Relay] = [
            relay,
            Loop("lost hints", self._find_lost_hints, at_exit=publisher.close_thread),
            Loop("expiry", self._expire_jobs),
            *schedule_loops(db, relay.wake, schedules, quota, limits),
            *retention_loops(db, storage, keep),
        ]
        if expires_leases:
            self._loops.append(Loop("leases", self._expire_leases))

    def unhealthy_reason(self) -> str | None:
        """Returns why the scheduler is unhealthy; None while all its loops run."""
        return next((reason for loop in self._loops if (reason := loop.unhealthy_reason())), None)

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        for loop in self._loops:
            loop.stop()

    def _expire_leases(self) -> float:
        """Requeues tasks whose leases have expired.

        After each outage of the ledger it waits for the length of a lease, because workers could not renew either.
        """
        try:
            if time.monotonic() < self._expire_leases_after:
                self._db.ping()
                return CHECK_SECONDS
            expired = leases.expire(self._db, jitter)
        except LedgerUnavailable:
            self._expire_leases_after = time.monotonic() + LEASE_SECONDS
            raise
        LOST_ATTEMPTS.inc(expired.tasks)
        if expired.tasks:
            log.warning("expired leases whose workers stopped renewing them", tasks=expired.tasks)
        return CHECK_SECONDS

    def _find_lost_hints(self) -> float:
        self._publisher.ensure_open()
        empty = [queue for queue in workers.served(self._db) if self._publisher.depth(queue) == 0]
        if lost := hints.requeue_lost(self._db, empty):
            LOST_HINTS.inc(lost)
            log.info("published lost hints again", tasks=lost)
            self._relay.wake()
        return LOST_SECONDS

    def _expire_jobs(self) -> float:
        cancel.expire_jobs(self._db)
        return CHECK_SECONDS
