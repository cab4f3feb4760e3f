"""Migrates the schema to the newest revision at start, one process at a time. Migrations expand, then contract.

A new database gets the tables at once, as `tables` describes them; Alembic upgrades an older one. A test compares the
results of both ways.

Alembic is imported where it is used. Most processes start beside a schema that is up to date, and its import would be
a fifth of their start. It also logs its plugins, which would happen before logging is configured.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select, text
from sqlalchemy.exc import ProgrammingError

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
_LOCK = 0x62757265  # "bure"; any number that nobody else in this database uses
_INSUFFICIENT_PRIVILEGE = "42501"  # PostgreSQL's code

_VERSION = Table(  # as Alembic makes it
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def migrate(db: Database) -> None:
    """Migrates the ledger's tables to the newest revision; only reads if they have it already.

    Raises `LedgerUnavailable`, also if the tables are older and this role may not change them: then another
    process has to migrate them, and retrying is right.
    """
    with db.transaction() as connection:
        if _is_newest(connection):
            return
        if not db.is_sqlite:  # on SQLite the transaction locks the file
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        try:
            if _has_version(connection):  # checked again: another process may have made the tables before the lock
                upgrade(connection)
            else:
                _create(connection)
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
                raise LedgerUnavailable("its tables are older, and this role may not change them") from error
            raise


def upgrade(connection: Connection) -> None:
    """Runs the migrations that the database has not seen, inside the connection's transaction.

    New tables are made where the others are: PostgreSQL makes them in the first schema of its search path, and that may
    be `bureau`, the schema of `bureau.submit`, for a user of this name.
    """
    from alembic import command

    if (schema := ledger_schema(connection)) is not None:
        path = "SELECT set_config('search_path', :schema || ', ' || current_setting('search_path'), true)"
        connection.execute(text(path), {"schema": schema})

    command.upgrade(configuration(connection), "head")


def configuration(connection: Connection) -> "Config":
    """Returns Alembic's configuration, bound to an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def known_revisions() -> list[str]:
    """Returns the revisions of this version, the newest last, from the names of the migrations' files."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _is_newest(connection: Connection) -> bool:
    """Returns whether no migration is needed. An unknown revision is newer, and both versions work side by side."""
    if not _has_version(connection):
        return False
    current = connection.execute(select(_VERSION.c.version_num)).scalar()
    *older, newest = known_revisions()
    return current == newest or (current is not None and current not in older)


def is_migrated(db: Database) -> bool:
    """Tells whether the database has the ledger's tables. Raises `LedgerUnavailable`."""
    with db.read() as connection:
        return _has_version(connection)


def _has_version(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":
        return ledger_schema(connection) is not None
    return inspect(connection).has_table(_VERSION.name)


def ledger_schema(connection: Connection) -> str | None:
    """Returns the schema with the ledger's tables, quoted if its name needs it; None on SQLite or without tables.

    The search path finds it, as it finds the tables for all statements.
    """
    if connection.dialect.name != "postgresql":
        return None
    found = "SELECT quote_ident(nspname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
    return connection.execute(text(f"{found} WHERE pg_class.oid = to_regclass('{_VERSION.name}')")).scalar()


def _create(connection: Connection) -> None:
    """Creates the tables of a new ledger at the newest revision. Raises if any of them exists."""
    metadata.create_all(connection, checkfirst=False)
    _VERSION.create(connection, checkfirst=False)
    connection.execute(insert(_VERSION).values(version_num=known_revisions()[-1]))
