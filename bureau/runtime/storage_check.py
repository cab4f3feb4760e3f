"""Whether a process has the storage that the gateway has: files handed on by key would otherwise be missing.

A gateway writes a file and names it in the ledger; every other process looks for it at its start, and leaves with a
sentence that helps where it is not there. A storage that is away proves nothing.
"""

import os
import signal

import structlog

from bureau.background_loop import Loop
from bureau.contracts.errors import PermanentError, TaskError
from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.files.storage_probe import probe, replace_probe
from bureau.settings import SettingsError
from bureau.storage import Storage

FOLDER = "probes/shared"
LOOK_SECONDS = 5.0
DONE_SECONDS = 3600.0

log = structlog.get_logger(__name__)


def mark(db: Database, storage: Storage) -> None:
    """The gateway's part: its storage holds the file that the ledger names, from now on. Raises `LedgerUnavailable`."""
    try:
        named = probe(db)
        if named is not None and _holds(storage, named):
            return
        written = f"{FOLDER}/{new_id()}"
        storage.put(written, [b"Written by a gateway. A process that does not see this file has another storage.\n"])
        if not replace_probe(db, named, written):
            storage.delete([written])
        elif named is not None:
            log.warning("this storage is not the one the ledger knew: a worker with the old one will not start again")
    except TaskError as error:
        log.warning("the storage could not be marked", error=str(error))


class SharedStorage:
    """Everybody else's part. `check`, then `start` and `stop` around the process's life."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self._db = db
        self._storage = storage
        self._seen = False
        self._loop = Loop("shared storage", self._look)
        self.stop = self._loop.stop

    def check(self) -> None:
        """Raises `SettingsError` where the storage is another one."""
        try:
            named = probe(self._db)
            self._seen = named is not None and _holds(self._storage, named)
        except (LedgerUnavailable, TaskError) as error:
            log.warning("whether the storage is the gateway's cannot be said yet", error=str(error))
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
        """Looks again while there was nothing to find: this process may have started before the first gateway."""
        if not self._seen:
            self._loop.start()

    def _look(self) -> float:
        try:
            self.check()
        except SettingsError as error:
            log.critical("leaving", reason=str(error))
            os.kill(os.getpid(), signal.SIGTERM)  # the ordinary stop hands back what runs
            return DONE_SECONDS
        return DONE_SECONDS if self._seen else LOOK_SECONDS


def _holds(storage: Storage, key: str) -> bool:
    """Raises `TransientError` while the storage is away."""
    try:
        storage.read(key)
    except PermanentError:
        return False
    return True
