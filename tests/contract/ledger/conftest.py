"""The ledger on both databases. A test that takes `db` or `book` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from tests.support.book import Book
from tests.support.ledgers import empty, sqlite_ledger
from tests.support.postgres import connect, drop_database, fresh_database
from tests.support.soundness import assert_sound


@pytest.fixture(scope="session")
def postgres_ledger_url(postgres_server: str) -> Iterator[str]:
    """A migrated database for the whole run: emptied for each test, which is 100 ms quicker than a new one."""
    url = fresh_database(postgres_server)
    with connect(url) as connection:  # no test here pulls the plug: commits need not wait for the disk
        connection.execute(f'ALTER DATABASE "{connection.info.dbname}" SET synchronous_commit = off'.encode())
    db = Database(url)
    migrate(db)
    db.close()
    yield url
    drop_database(postgres_server, url)


@pytest.fixture
def sqlite_db(tmp_path: Path) -> Iterator[Database]:
    db = sqlite_ledger(tmp_path)
    yield db
    db.close()


@pytest.fixture
def postgres_db(postgres_ledger_url: str) -> Iterator[Database]:
    db = Database(postgres_ledger_url)
    empty(db)
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
