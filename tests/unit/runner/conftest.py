"""A runner on a SQLite ledger of its own, whose hints a test gives by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bureau.ledger.db.database import Database
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.runner import Runner
from bureau.storage import Storage
from bureau.task import Task
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.ledger.soundness import assert_sound


class Bell:
    """The relay, as the runner sees it."""

    def __init__(self) -> None:
        self.rung = 0

    def wake(self) -> None:
        self.rung += 1


class Bench:
    """`give` is a hint: the worker's thread is the test's own. The task's name is `shop.work`."""

    def __init__(self, db: Database, storage: Storage) -> None:
        self.book = Book(db)
        self.db = db
        self.storage = storage
        self.bell = Bell()
        self.tasks: dict[str, Task[Any, Any]] = {}
        self.heartbeat = Heartbeat(db, grace_seconds=25)
        self.runner = self.another_runner(db)

    def another_runner(self, db: Database, *, worker: str = "w", threads: int = 4) -> Runner:
        return Runner(
            "shop",
            worker,
            self.tasks,
            db=db,
            storage=self.storage,
            heartbeat=self.heartbeat,
            relay=self.bell,
            threads=threads,
        )

    def serve(self, function: Callable[..., Any], name: str = "shop.work", *, interruptible: bool = True) -> None:
        """Makes the function the task of this name."""
        self.tasks[name] = Task(name, function, interruptible=interruptible)

    def give(self, job_id: UUID, name: str = "only") -> None:
        row = self.book.task(job_id, name)
        self.runner.execute(row.run, row.id)

    def run(self, function: Callable[..., Any], **terms: Any) -> UUID:
        """A job of one task that runs the function, after one hint."""
        self.serve(function)
        job_id = self.book.submit(**terms)
        self.give(job_id)
        return job_id

    def is_running(self, job_id: UUID) -> bool:
        return bool(self.book.task(job_id).state == "running")

    def stored_keys(self) -> list[str]:
        return sorted(self.storage.list(""))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    db = sqlite_ledger(tmp_path)
    yield db
    assert_sound(db)
    db.close()


@pytest.fixture
def bench(ledger: Database, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(ledger, Storage.from_url(f"file://{tmp_path}/storage"))
    yield made
    made.heartbeat.stop()
