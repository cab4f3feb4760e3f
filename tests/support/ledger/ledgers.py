"""Creates ledgers for tests quickly: the migrated schema is copied or emptied, statements are compiled once a process.

Commits do not wait for the disk. Tests that break a process or a server use ledgers without these shortcuts.
"""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.tables import metadata

T = TypeVar("T", bound=Database)
_STATEMENTS: dict[Any, Any] = {}


def sqlite_ledger(folder: Path, name: str = "ledger.db") -> Database:
    """A migrated SQLite ledger in `folder`; the caller closes it."""
    file = folder / name
    file.write_bytes(_template())
    return quick(Database(f"sqlite:///{file}"))


def emptied_ledger(url: str) -> Database:
    """A migrated ledger on PostgreSQL without a row; the caller closes it."""
    db = quick(Database(url))
    empty(db)
    return db


def empty(db: Database) -> None:
    """Deletes every row; the schema stays."""
    with db.transaction() as connection:
        for statement in _deletions() if db.is_sqlite else ("; ".join(_deletions()),):
            connection.exec_driver_sql(statement)


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "template.db")
        db = Database(f"sqlite:///{file}")
        migrate(db)
        db.close()  # the last connection brings the write-ahead log into the file
        return file.read_bytes()


@cache
def _deletions() -> list[str]:
    return [f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables)]  # noqa: S608


def quick(db: T) -> T:
    """Returns the same object: its statements are compiled once a process, its commits on SQLite wait for no disk.

    SQLAlchemy keeps what it compiled for each engine, by the statement and the engine's dialect: an engine that runs a
    test's few statements compiles nearly each of them, a third of the test's time.
    """
    _share_dialects()
    db.engine.update_execution_options(compiled_cache=_STATEMENTS)
    if db.is_sqlite:
        event.listen(db.engine, "connect", _do_not_wait)
    return db


@cache
def _share_dialects() -> None:
    """Makes all dialects of a kind equal: so are the keys of what was compiled for them."""
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
        dialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]


def _do_not_wait(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
