"""Creates the workers' own PostgreSQL role, with the rights that deployments give it."""

import secrets

from psycopg import sql
from sqlalchemy.engine import make_url

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.worker_role.grants import grant
from tests.support.servers.postgres import connect


def worker_role(database_url: str) -> str:
    """Migrates the database, makes a role for workers and grants it its rights; DATABASE_URL under that role.

    The role outlives the database: `drop_worker_role` removes it.
    """
    url = make_url(database_url)
    role, password = f"{url.database}_worker", secrets.token_hex(8)
    with connect(database_url) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
        )
    db = Database(database_url)
    migrate(db)
    grant(db, role)
    db.close()
    return url.set(username=role, password=password).render_as_string(hide_password=False)


def drop_worker_role(database_url: str, worker_url: str) -> None:
    """Takes its rights away and removes it."""
    role = sql.Identifier(make_url(worker_url).username or "")
    with connect(database_url) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))
