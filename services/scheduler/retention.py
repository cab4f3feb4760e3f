"""Deletes what was kept long enough, in small batches with pauses between them, so that no other work waits.

A file is deleted in three steps: it is no longer served, it is deleted from storage, its row is deleted. If a process
dies between two steps, the next pass continues.
"""

from collections.abc import Callable
from uuid import UUID

import structlog

from bureau.contracts.errors import TaskError
from bureau.ledger.access import ended_sessions
from bureau.ledger.db.database import Database
from bureau.ledger.files import artifacts
from bureau.ledger.retention import file_expiry, sweep
from bureau.ledger.retention.policy import RetentionPolicy
from bureau.ledger.retention.sweep import ENDED, Mark
from bureau.process.background_loop import Loop
from bureau.services.scheduler.orphan_sweep import OrphanSweep
from bureau.storage import Storage

BUSY_SECONDS = 0.1
IDLE_SECONDS = 30.0
SWEEP_SECONDS = 5.0

log = structlog.get_logger(__name__)


def retention_loops(db: Database, storage: Storage, keep: RetentionPolicy) -> list[Loop]:
    """Returns separate loops for rows, removed files and orphans, so that a storage that is down delays no rows."""
    return [
        Loop("retention", Retention(db, keep).step),
        Loop("removed files", RemovedFiles(db, storage).step),
        Loop("orphan files", OrphanSweep(db, storage).step),
    ]


class Retention:
    """Deletes a batch of each kind at each `step`, which a loop calls.

    Each batch is a transaction, or several short ones.
    """

    def __init__(self, db: Database, keep: RetentionPolicy) -> None:
        self._db = db
        self._keep = keep
        self._events_checked_to: dict[str, Mark | None] = dict.fromkeys(ENDED)
        self._recomputed_from: UUID | None = None
        self._all_recomputed = False
        self.steps: list[Callable[[], int]] = [
            self._recompute_expiry,
            self._decide_files,
            self._remove_files,
            self._forget_files,
            self._forget_jobs,
            self._forget_events,
            lambda: sweep.forget_keys(db),
            lambda: sweep.forget_workers(db),
            lambda: sweep.forget_audit(db, keep),
            lambda: sweep.forget_full_buckets(db),
            lambda: ended_sessions.forget(db, sweep.ROWS),
        ]

    def step(self) -> float:
        return BUSY_SECONDS if sum(step() for step in self.steps) else IDLE_SECONDS

    def _recompute_expiry(self) -> int:
        """Recomputes when files expire, once in each process, because the settings may have changed since."""
        if self._all_recomputed:
            return 0
        outdated, following = file_expiry.outdated(self._db, self._keep, self._recomputed_from)
        self._recomputed_from, self._all_recomputed = following, following is None
        return file_expiry.settle(self._db, outdated, self._keep) or (0 if self._all_recomputed else 1)

    def _decide_files(self) -> int:
        return file_expiry.settle(self._db, file_expiry.undecided(self._db), self._keep)

    def _remove_files(self) -> int:
        return file_expiry.settle(self._db, file_expiry.expired(self._db), self._keep)

    def _forget_files(self) -> int:
        return file_expiry.forget_deleted(self._db)

    def _forget_jobs(self) -> int:
        if deleted := sweep.forget_jobs(self._db, self._keep):
            log.info("deleted expired jobs", jobs=deleted)
        return deleted

    def _forget_events(self) -> int:
        checked = 0
        for state in ENDED:
            last = sweep.forget_old_events(self._db, state, self._keep, self._events_checked_to[state])
            if last is not None:
                self._events_checked_to[state] = last
                checked += 1
        return checked


class RemovedFiles:
    """Deletes a batch of removed files from storage at each `step`, which a loop calls."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db = db
        self._storage = storage

    def step(self) -> float:
        removed = artifacts.removed(self._db)
        try:
            self._storage.delete([key for _, key in removed])
        except TaskError as error:
            raise ConnectionError(error.message) from error
        artifacts.mark_deleted(self._db, [artifact_id for artifact_id, _ in removed])
        return 0.0 if removed else SWEEP_SECONDS
