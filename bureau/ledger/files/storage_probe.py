"""Keeps the key of a file that a gateway wrote into its storage. Other processes look for it in theirs."""

from sqlalchemy import Connection, delete, insert, select

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import storage_probe


def probe(db: Database) -> str | None:
    """Returns the file's key, or None while no gateway has written one."""
    with db.read() as connection:
        return _key(connection)


def replace_probe(db: Database, old: str | None, new: str) -> bool:
    """Names another file. Returns False where another gateway did so meanwhile."""
    with db.transaction() as connection:
        db.lock_queue(connection, "storage_probe")
        if _key(connection) != old:
            return False
        connection.execute(delete(storage_probe))
        connection.execute(insert(storage_probe).values(id=1, key=new, written_at=now()))
    return True


def _key(connection: Connection) -> str | None:
    return connection.execute(select(storage_probe.c.key)).scalar_one_or_none()
