"""What is kept long enough goes, in small batches with pauses between them, so that nobody waits for it.

A file goes in three steps: given out no more, deleted from storage, its row forgotten. A process that dies between
any two leaves what the next pass finds.
"""

from collections.abc import Callable
from uuid import UUID

import structlog

from bureau.background_loop import Loop
from bureau.contracts.errors import TaskError
from bureau.ledger.db.database import Database
from bureau.ledger.files import artifacts
from bureau.ledger.retention import file_expiry, sweep
from bureau.ledger.retention.policy import RetentionPolicy
from bureau.ledger.retention.sweep import ENDED, Mark
from bureau.services.scheduler.orphan_files import LitterSweep
from bureau.storage import Storage

BUSY_SECONDS = 0.1
IDLE_SECONDS = 30.0
SWEEP_SECONDS = 5.0

log = structlog.get_logger(__name__)


def retention_loops(db: Database, storage: Storage, keep: RetentionPolicy) -> list[Loop]:
    """Rows, files that are given out no more, files that nobody knows: a storage that is away holds up no rows."""
    return [
        Loop("retention", Retention(db, keep).step),
        Loop("removed files", RemovedFiles(db, storage).step),
        Loop("storage litter", LitterSweep(db, storage).step),
    ]


class Retention:
    """`step` is a loop's: a batch of everything. Each batch is a transaction, or several short ones."""

    def __init__(self, db: Database, keep: RetentionPolicy) -> None:
        self._db = db
        self._keep = keep
        self._events_done: dict[str, Mark | None] = dict.fromkeys(ENDED)
        self._told_from: UUID | None = None
        self._all_told = False
        self.steps: list[Callable[[], int]] = [
            self._tell_anew,
            self._decide_files,
            self._remove_files,
            self._forget_files,
            self._forget_jobs,
            self._forget_events,
            lambda: sweep.forget_keys(db),
            lambda: sweep.forget_workers(db),
            lambda: sweep.forget_audit(db, keep),
            lambda: sweep.forget_full_buckets(db),
        ]

    def step(self) -> float:
        return BUSY_SECONDS if sum(step() for step in self.steps) else IDLE_SECONDS

    def _tell_anew(self) -> int:
        """Once a process: settings may be others than those by which files were told when they expire."""
        if self._all_told:
            return 0
        wrong, following = file_expiry.told_otherwise(self._db, self._keep, self._told_from)
        self._told_from, self._all_told = following, following is None
        return file_expiry.settle(self._db, wrong, self._keep) or (0 if self._all_told else 1)

    def _decide_files(self) -> int:
        return file_expiry.settle(self._db, file_expiry.undecided(self._db), self._keep)

    def _remove_files(self) -> int:
        return file_expiry.settle(self._db, file_expiry.expired(self._db), self._keep)

    def _forget_files(self) -> int:
        return file_expiry.forget_deleted(self._db)

    def _forget_jobs(self) -> int:
        if forgotten := sweep.forget_jobs(self._db, self._keep):
            log.info("jobs kept long enough were deleted", jobs=forgotten)
        return forgotten

    def _forget_events(self) -> int:
        looked = 0
        for state in ENDED:
            last = sweep.forget_old_events(self._db, state, self._keep, self._events_done[state])
            if last is not None:
                self._events_done[state] = last
                looked += 1
        return looked


class RemovedFiles:
    """`step` is a loop's: deletes a batch of files from storage that are given out no more."""

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
