"""Provides what a scheduler needs: a ledger on SQLite with announced services."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bureau.contracts.catalog import Catalog, TaskDescription
from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.dispatch.workers import NewWorker, register
from bureau.submission.announcements import Announcements
from tests.support.ledger.ledgers import sqlite_ledger

SUMA = TaskDescription(
    name="shop.suma",
    queue="shop",
    input_schema={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
    result_schema={"type": "integer"},
    time_limit_seconds=600,
)


@dataclass
class Clock:
    """Seconds that go by when a test says so; the catalog is believed for one."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 2.0
        return self.now


@dataclass
class Place:
    """Where a scheduler works."""

    db: Database
    announcements: Announcements = field(init=False)

    def __post_init__(self) -> None:
        self.announcements = Announcements(self.db, Clock())

    def announce(self, *tasks: TaskDescription) -> None:
        self.announce_catalog("shop", Catalog(tasks=list(tasks or (SUMA,))))

    def announce_catalog(self, service: str, catalog: Catalog) -> None:
        register(self.db, NewWorker(str(new_id()), service, service, "1", "here", 1, 4, catalog))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    db = sqlite_ledger(tmp_path)
    yield Place(db)
    db.close()
