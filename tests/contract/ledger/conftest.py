"""The ledger on both databases. A test that takes `db` or `book` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bureau.ledger.db.database import Database
from tests.support.book import Book
from tests.support.ledgers import sqlite_ledger
from tests.support.soundness import assert_sound


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
