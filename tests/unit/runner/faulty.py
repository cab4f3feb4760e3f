"""A database that goes away at a chosen moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection

from bureau.ledger.db.database import Database, LedgerUnavailable


class Moment(StrEnum):
    """Of a transaction, at which the connection breaks."""

    BEGIN = "begin"  # nothing was done
    COMMIT = "commit"  # all was done and nothing kept
    ANSWER = "answer"  # all was kept, and nobody was told


class Faulty(Database):
    """The ledger in a folder, broken once: at the nth call, at this moment. Also away as long as a test wants."""

    def __init__(self, folder: Path, *, break_at: int = 0, moment: Moment = Moment.BEGIN) -> None:
        super().__init__(f"sqlite:///{folder}/ledger.db")
        self.calls = 0
        self.away = threading.Event()
        self._break_at = break_at
        self._moment = moment

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        broken = self._called()
        with super().transaction() as connection:
            yield connection
            self._break(broken, Moment.COMMIT)
        self._break(broken, Moment.ANSWER)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        broken = self._called()
        with super().read() as connection:
            yield connection
        self._break(broken, Moment.ANSWER)
        self._break(broken, Moment.COMMIT)

    def _called(self) -> bool:
        self.calls += 1
        broken = self.calls == self._break_at
        self._break(broken, Moment.BEGIN)
        if self.away.is_set():
            raise LedgerUnavailable("away")
        return broken

    def _break(self, broken: bool, moment: Moment) -> None:
        if broken and moment is self._moment:
            raise LedgerUnavailable(f"broken at call {self.calls}: {moment}")
