"""Migrations: they make what `tables.py` says, on both databases, however often and by however many at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import configuration, migrate
from bureau.ledger.db.tables import metadata
from tests.support.book import Book
from tests.support.processes import ROOT


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def new_db(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def revision(db: Database) -> str | None:
    with db.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_the_migrated_schema_is_that_of_the_tables(new_db: Database) -> None:
    migrate(new_db)
    with new_db.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_every_index_of_the_tables_is_there(new_db: Database) -> None:
    """The comparison passes over indices on expressions and their conditions."""
    migrate(new_db)
    inspector = inspect(new_db.engine)
    for table in metadata.sorted_tables:
        made = {str(index["name"]) for index in inspector.get_indexes(table.name)}
        assert made == {str(index.name) for index in table.indexes}


def test_foreign_keys_and_primary_keys_are_named_as_in_the_tables(new_db: Database) -> None:
    migrate(new_db)
    inspector = inspect(new_db.engine)
    for table in metadata.sorted_tables:
        foreign = {str(key["name"]) for key in inspector.get_foreign_keys(table.name)}
        assert foreign == {str(key.name) for key in table.foreign_key_constraints}
        assert inspector.get_pk_constraint(table.name)["name"] == table.primary_key.name


def test_migrating_again_is_harmless(new_db: Database) -> None:
    migrate(new_db)
    book = Book(new_db)
    job_id = book.submit()
    first = revision(new_db)
    migrate(new_db)
    assert first is not None
    assert revision(new_db) == first
    assert book.job(job_id).title == "A job"


def test_there_is_one_newest_revision(new_db: Database) -> None:
    with new_db.read() as connection:
        assert len(ScriptDirectory.from_config(configuration(connection)).get_heads()) == 1


def test_the_new_ledger_works(new_db: Database) -> None:
    migrate(new_db)
    book = Book(new_db)
    job_id = book.submit()
    book.run(job_id)
    assert book.job(job_id).state == "succeeded"


def test_processes_that_migrate_at_once_all_succeed(url: str) -> None:
    command = [sys.executable, "-m", "bureau.ledger", "migrate"]
    environment = {**os.environ, "DATABASE_URL": url}
    started = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(3)
    ]
    ended = [(process.communicate(timeout=60)[0], process.returncode) for process in started]
    assert [status for _, status in ended] == [0, 0, 0], ended
    db = Database(url)
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    db.close()


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bureau.ledger", "migrate"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": "postgresql://bureau:verysecret@127.0.0.1:9/ledger"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "The database does not answer" in done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert "verysecret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
