"""An application that is killed between any two statements has both its data and its job, or neither."""

import json
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import sql
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.tables import jobs
from bureau.ledger.dispatch.workers import register
from bureau.ledger.submissions.in_sql import grants
from tests.contract.ledger.dispatch.test_workers import a_worker
from tests.support.ledger.soundness import assert_sound
from tests.support.servers.postgres import connect, drop_database, fresh_database
from tests.support.waiting import until

CLIENT = """
import json, os, signal, sys
import psycopg
url, order, statements = sys.argv[1], sys.argv[2], json.loads(sys.argv[4])
connection = psycopg.connect(url, autocommit=True)
for statement in statements[:int(sys.argv[3])]:
    connection.execute(statement, {"order": order} if "%(" in statement else None)
os.kill(os.getpid(), signal.SIGKILL)
"""
JOB = json.dumps({"tasks": [{"name": "a", "run": "shop.work"}]})
STATEMENTS = [
    "BEGIN",
    "INSERT INTO shop.orders VALUES (%(order)s)",
    f"SELECT bureau.submit(jsonb_set('{JOB}', '{{id}}', to_jsonb(%(order)s::text)))",
    "UPDATE shop.orders SET sent = true WHERE id = %(order)s",
    "COMMIT",
]


@pytest.fixture(scope="module")
def shop(postgres_server: str) -> Iterator[tuple[Database, str]]:
    """A ledger, and the URL of an application with a table of its own."""
    url = fresh_database(postgres_server)
    db = Database(url)
    migrate(db)
    role = f"{make_url(url).database}_app"
    with connect(url) as connection:
        name = sql.Identifier(role)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'app'").format(name))
        connection.execute(sql.SQL("CREATE SCHEMA shop AUTHORIZATION {}").format(name))
        connection.execute("CREATE TABLE shop.orders (id uuid PRIMARY KEY, sent boolean)")
        connection.execute(sql.SQL("GRANT ALL ON shop.orders TO {}").format(name))
    grants.grant(db, role, "ada")
    register(db, a_worker("w1"))
    yield (
        db,
        make_url(url).set(drivername="postgresql", username=role, password="app").render_as_string(hide_password=False),
    )
    assert_sound(db)
    db.close()
    with connect(url) as connection:
        connection.execute("DROP TABLE shop.orders")
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    drop_database(postgres_server, url)


@pytest.mark.parametrize("after", range(len(STATEMENTS) + 1))
def test_a_kill_leaves_both_or_neither(shop: tuple[Database, str], after: int) -> None:
    db, url = shop
    order = str(uuid4())
    killed = subprocess.run([sys.executable, "-c", CLIENT, url, order, str(after), json.dumps(STATEMENTS)], check=False)
    assert killed.returncode == -9

    def open_transactions() -> int:
        with connect(db.engine.url.render_as_string(hide_password=False)) as connection:
            role = make_url(url).username
            asked = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [role])
            return int((asked.fetchone() or (0,))[0])

    until(lambda: open_transactions() == 0, 60, "the server has noticed the client's death")
    with db.read() as connection:
        submitted = connection.execute(select(func.count()).where(jobs.c.id == order)).scalar()
    with connect(db.engine.url.render_as_string(hide_password=False)) as mine:
        (stored,) = mine.execute("SELECT count(*) FROM shop.orders WHERE id = %s", [order]).fetchone() or (None,)
    both = 1 if after == len(STATEMENTS) else 0
    assert (submitted, stored) == (both, both)
