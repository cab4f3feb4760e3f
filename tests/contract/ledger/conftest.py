"""The ledger on both databases. A test that takes `db` or `book` runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bureau.ledger.db.database import Database
from tests.support.ledger.book import Book
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.ledger.soundness import assert_sound


@pytest.fixture
def sqlite_db(tmp_path: Path) -> Iterator[Database]:
    db = sqlite_ledger(tmp_path)
    yield db
    db.close()


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Database:
    """An empty ledger."""
    database: Database = request.getfixturevalue(f"{request.param}_db")
    return database


@pytest.fixture
def book(db: Database) -> Iterator[Book]:
    """Whatever a test does, its ledger must be sound at the end."""
    yield Book(db)
    assert_sound(db)


Times = Callable[[int], range]


@pytest.fixture(params=[pytest.param(4, id="some"), pytest.param(1, id="all", marks=pytest.mark.long)])
def times(request: pytest.FixtureRequest) -> Times:
    """How often a race is run: each time, a quarter of what `make test-all` does."""
    share: int = request.param
    return lambda count: range(-(-count // share))
