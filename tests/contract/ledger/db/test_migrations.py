"""Migrations: they make what `tables.py` says, on both databases, however often and by however many at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import configuration, known_revisions, migrate, upgrade
from bureau.ledger.db.tables import metadata
from tests.support.ledger.book import Book
from tests.support.running.processes import ROOT
from tests.support.servers.postgres import drop_database, fresh_database


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


@pytest.fixture(params=["made at once", "by migrations"])
def made_db(request: pytest.FixtureRequest, new_db: Database) -> Database:
    """A ledger that was new, and one that has seen every migration."""
    if request.param == "by migrations":
        with new_db.transaction() as connection:
            upgrade(connection)
    else:
        migrate(new_db)
    return new_db


def test_the_migrated_schema_is_that_of_the_tables(made_db: Database) -> None:
    with made_db.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_every_index_of_the_tables_is_there(made_db: Database) -> None:
    """The comparison passes over indices on expressions and their conditions."""
    inspector = inspect(made_db.engine)
    for table in metadata.sorted_tables:
        made = {str(index["name"]) for index in inspector.get_indexes(table.name)}
        assert made == {str(index.name) for index in table.indexes}


def test_foreign_keys_and_primary_keys_are_named_as_in_the_tables(made_db: Database) -> None:
    inspector = inspect(made_db.engine)
    for table in metadata.sorted_tables:
        foreign = {str(key["name"]) for key in inspector.get_foreign_keys(table.name)}
        assert foreign == {str(key.name) for key in table.foreign_key_constraints}
        assert inspector.get_pk_constraint(table.name)["name"] == table.primary_key.name


def described(db: Database) -> dict[str, Any]:
    """Returns all that the database itself says of its tables, whatever the order of their columns."""
    inspector = inspect(db.engine)
    return {
        name: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(name)},
            "primary key": inspector.get_pk_constraint(name),
            "foreign keys": sorted(inspector.get_foreign_keys(name), key=str),
            "unique": sorted(inspector.get_unique_constraints(name), key=str),
            "checks": sorted(inspector.get_check_constraints(name), key=str),
            "indices": sorted(indices_of(db, name)),
        }
        for name in inspector.get_table_names()
    }


def indices_of(db: Database, table: str) -> list[str]:
    """Returns their statements, with expressions and conditions that SQLAlchemy does not show for every database."""
    if db.is_sqlite:
        query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table AND sql IS NOT NULL"
    else:
        query = "SELECT indexdef FROM pg_indexes WHERE tablename = :table"
    with db.read() as connection:
        return [" ".join(sql.replace('"', "").split()) for sql in connection.scalars(text(query), {"table": table})]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_ledger_made_at_once_is_the_one_that_migrations_make(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("made", "migrated")]
    server = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    if server:
        urls = [fresh_database(server), fresh_database(server)]
    made, migrated = map(Database, urls)
    migrate(made)
    with migrated.transaction() as connection:
        upgrade(connection)
    try:
        assert described(made) == described(migrated)
        assert revision(made) == revision(migrated)
    finally:
        for db, url in ((made, urls[0]), (migrated, urls[1])):
            db.close()
            if server:
                drop_database(server, url)


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


def test_the_file_names_tell_the_revisions_in_their_order(new_db: Database) -> None:
    with new_db.read() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
    assert known_revisions() == [script.revision for script in scripts.walk_revisions()][::-1]


def test_a_schema_of_a_newer_version_is_left_as_it_is(new_db: Database) -> None:
    migrate(new_db)
    with new_db.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    migrate(new_db)
    assert revision(new_db) == "9999"


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
