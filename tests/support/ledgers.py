"""Ledgers for tests, made quickly: the migrated schema is copied or emptied, not made anew each time."""

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import delete

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.tables import metadata


def sqlite_ledger(folder: Path, name: str = "ledger.db") -> Database:
    """A migrated SQLite ledger in `folder`; the caller closes it."""
    file = folder / name
    file.write_bytes(_template())
    return Database(f"sqlite:///{file}")


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "template.db")
        db = Database(f"sqlite:///{file}")
        migrate(db)
        db.close()  # the last connection brings the write-ahead log into the file
        return file.read_bytes()


def empty(db: Database) -> None:
    """Deletes every row; the schema stays."""
    with db.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
