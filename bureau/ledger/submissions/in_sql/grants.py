"""Lets a database role of an application submit jobs with `bureau.submit`, and do nothing else in the ledger.

The functions are made with the first grant: a ledger that no application shares a database with has none, and the role
that migrates it needs no right to make a schema. Migrations that change what a submission inserts call `refresh`.
"""

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import ledger_schema
from bureau.ledger.db.tables import application_roles, metadata
from bureau.ledger.submissions.in_sql.function import functions

_MADE = "SELECT to_regprocedure('bureau.submit(jsonb)') IS NOT NULL"


class NotGranted(Exception):
    """Says why a role may not submit. Its message says what to do."""


def grant(db: Database, role: str, owner: str) -> None:
    """Makes the functions, and lets a role submit jobs of an owner. Raises `NotGranted`, `LedgerUnavailable`.

    One transaction does all, so that an application under the role notices nothing.
    """
    quoted = db.engine.dialect.identifier_preparer.quote(role)
    with db.transaction() as connection:
        schema = _schema(connection)
        _refuse_builder(connection, role, schema)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS bureau"))
        _make(connection, schema)
        for table in metadata.tables:
            connection.execute(text(f"REVOKE ALL ON {schema}.{table} FROM {quoted}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA bureau TO {quoted}"))
        connection.execute(text(f"GRANT EXECUTE ON FUNCTION bureau.submit(jsonb) TO {quoted}"))
        connection.execute(text(f"GRANT EXECUTE ON FUNCTION bureau.submit_version() TO {quoted}"))
        made = insert(application_roles).values(role=role, owner=owner)
        connection.execute(made.on_conflict_do_update(index_elements=["role"], set_={"owner": owner}))


def revoke(db: Database, role: str) -> bool:
    """Takes the right back, and returns whether the role had it. Raises `LedgerUnavailable`."""
    quoted = db.engine.dialect.identifier_preparer.quote(role)
    with db.transaction() as connection:
        if not connection.execute(delete(application_roles).where(application_roles.c.role == role)).rowcount:
            return False
        connection.execute(text(f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bureau FROM {quoted}"))
        connection.execute(text(f"REVOKE ALL ON SCHEMA bureau FROM {quoted}"))
        return True


def granted(db: Database) -> dict[str, str]:
    """Returns the owner of each role that may submit."""
    with db.read() as connection:
        return {row.role: row.owner for row in connection.execute(select(application_roles))}


def refresh(connection: Connection) -> None:
    """Makes the functions anew where they are: for migrations that change what a submission inserts."""
    if connection.dialect.name == "postgresql" and connection.execute(text(_MADE)).scalar_one():
        _make(connection, _schema(connection))


def _make(connection: Connection, schema: str) -> None:
    for statement in functions(schema):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    connection.execute(text("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bureau FROM PUBLIC"))


def _schema(connection: Connection) -> str:
    """Returns where the ledger's tables are, quoted if its name needs it.

    That need not be the current schema: a user called `bureau` has the schema of the functions before it.
    """
    return ledger_schema(connection) or "public"


def _refuse_builder(connection: Connection, role: str, schema: str) -> None:
    """Raises `NotGranted` for a role that may make objects where the ledger's tables are.

    Such a role could make an operator that the function calls, and so do with the ledger what it likes.
    """
    known = connection.execute(text("SELECT FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
    if known is None:
        raise NotGranted(f"there is no role {role}; make it first: CREATE ROLE {role} LOGIN")
    asked = "SELECT has_schema_privilege(:role, to_regnamespace(:schema), 'CREATE')"
    if connection.execute(text(asked), {"role": role, "schema": schema}).scalar_one():
        raise NotGranted(
            f"{role} may make objects in the schema {schema}, where the ledger's tables are, and could change what "
            f"bureau.submit does. Take that away (REVOKE CREATE ON SCHEMA {schema} FROM {role}; and FROM PUBLIC), and "
            "give the application a schema of its own for its tables"
        )
