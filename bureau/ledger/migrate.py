"""The schema: brought to the newest revision at start, by one process at a time. Migrations expand, then contract."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from bureau.ledger.database import Database

_LOCK = 0x62757265  # "bure"; any number that nobody else in this database uses


def migrate(db: Database) -> None:
    """Brings the ledger's tables to the newest revision. Raises `LedgerUnavailable`."""
    with db.transaction() as connection:
        if not db.is_sqlite:  # SQLite's transaction has the file to itself
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(configuration(connection), "head")


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, bound to an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config
