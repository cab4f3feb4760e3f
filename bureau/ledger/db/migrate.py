"""Migrates the schema to the newest revision at start, one process at a time. Migrations expand, then contract.

Alembic is imported where it is used: its import logs its plugins, which would happen before logging is configured.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from bureau.ledger.db.database import Database, LedgerUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 0x62757265  # "bure"; any number that nobody else in this database uses


def migrate(db: Database) -> None:
    """Migrates the ledger's tables to the newest revision; only reads where they have it already.

    Raises `LedgerUnavailable`, also where the tables are older and this role may not change them: then another
    process has to migrate them, and retrying is right.
    """
    from alembic import command

    with db.transaction() as connection:
        config = configuration(connection)
        if _is_newest(connection, config):
            return
        if not db.is_sqlite:  # on SQLite the transaction locks the file
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        try:
            command.upgrade(config, "head")
        except ProgrammingError as error:
            if isinstance(error.orig, InsufficientPrivilege):
                raise LedgerUnavailable("its tables are older, and this role may not change them") from error
            raise


def configuration(connection: Connection) -> "Config":
    """Returns Alembic's configuration, bound to an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.attributes["connection"] = connection
    return config


def _is_newest(connection: Connection, config: "Config") -> bool:
    """Returns whether no migration is needed. An unknown revision is newer, and both versions work side by side."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    current = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    return current == scripts.get_current_head() or (current is not None and current not in known)
