"""Checks that a process uses the gateway's storage, because files passed on by key would be missing in another.

A gateway writes a file and names it in the ledger; every other process looks for it at its start, and exits with a
helpful message if it is missing. An outage of the storage proves nothing.
"""

import os
import signal

import structlog

from bureau.contracts.errors import PermanentError, TaskError
from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.files.storage_probe import probe, replace_probe
from bureau.process.background_loop import Loop
from bureau.settings import SettingsError
from bureau.storage import Storage

FOLDER = "probes/shared"
LOOK_SECONDS = 5.0
DONE_SECONDS = 3600.0

log = structlog.get_logger(__name__)


def mark(db: Database, storage: Storage) -> None:
    """Makes sure that the gateway's storage holds the file that the ledger names. Raises `LedgerUnavailable`."""
    try:
        named = probe(db)
        if named is not None and _holds(storage, named):
            return
        written = f"{FOLDER}/{new_id()}"
        storage.put(written, [b"Written by a gateway. A process that does not see this file has another storage.\n"])
        if not replace_probe(db, named, written):
            storage.delete([written])
        elif named is not None:
            log.warning(
                "the storage differs from the one that the ledger recorded; workers that use the "
                "old one will not start again"
            )
    except TaskError as error:
        log.warning("could not write the mark that identifies the storage", error=str(error))


class SharedStorage:
    """Checks the storage of any other process: call `check`, then `start` and `stop` with the process."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db = db
        self._storage = storage
        self._seen = False
        self._loop = Loop("shared storage", self._look)
        self.stop = self._loop.stop

    def check(self) -> None:
        """Checks for the file. Raises `SettingsError` if the storage is not the gateway's."""
        try:
            named = probe(self._db)
            self._seen = named is not None and _holds(self._storage, named)
        except (LedgerUnavailable, TaskError) as error:
            log.warning("it is not known yet whether this storage is the gateway's", error=str(error))
            return
        if named is not None and not self._seen:
            raise SettingsError(
                [
                    "STORAGE_URL: this is not the gateway's storage: a file that the gateway wrote "
                    f"({named}) is not in it. Give both the same folder (one disk, mounted in both), or the same "
                    "s3://bucket. Where the gateway's storage was emptied on purpose, restart the gateway first."
                ]
            )

    def start(self) -> None:
        """Repeats the check while there is no file: this process may have started before the first gateway."""
        if not self._seen:
            self._loop.start()

    def _look(self) -> float:
        try:
            self.check()
        except SettingsError as error:
            log.critical("leaving", reason=str(error))
            os.kill(os.getpid(), signal.SIGTERM)  # the ordinary stop hands back running tasks
            return DONE_SECONDS
        return DONE_SECONDS if self._seen else LOOK_SECONDS


def _holds(storage: Storage, key: str) -> bool:
    """Returns whether the storage has the key. Raises `TransientError` while the storage is away."""
    try:
        storage.read(key)
    except PermanentError:
        return False
    return True
