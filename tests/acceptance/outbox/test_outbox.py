"""A job is submitted exactly when the data that it is about is committed, whatever dies meanwhile."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

from bureau.client import Bureau, Patience, Unreachable
from bureau.outbox.sql import Outbox
from tests.acceptance.outbox.kills import metadata, orders, table
from tests.support.running.embedded import EmbeddedBureau
from tests.support.running.processes import ROOT
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import drop_database, fresh_database

KILLS = Path(__file__).with_name("kills.py")


@dataclass(frozen=True)
class Application:
    """Holds the application's database, its outbox, and what its own processes need."""

    engine: Engine
    outbox: Outbox
    env: dict[str, str]

    def rows(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(table).order_by(table.c.created_at)))

    def due_now(self) -> None:
        """Ends the leases of the dead and the pauses."""
        with self.engine.begin() as connection:
            connection.execute(table.update().values(next_try_at=0))

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *command], env=self.env, capture_output=True, text=True, check=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, plain: EmbeddedBureau, tmp_path: Path) -> Iterator[Application]:
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = fresh_database(server) if server else f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OUTBOX_URL": url, "BUREAU_URL": plain.api.url}
    bureau = Bureau(plain.api.url, patience=Patience(seconds=2))
    yield Application(engine, Outbox(engine, bureau, table), env)
    bureau.close()
    engine.dispose()
    if server:
        drop_database(server, url)


@pytest.mark.parametrize(
    ("app", "what"),
    [
        ("sqlite", "submit"),
        *(
            pytest.param(*other, marks=pytest.mark.long)
            for other in (("sqlite", "drain"), ("postgresql", "submit"), ("postgresql", "drain"))
        ),
    ],
    indirect=["app"],
)
def test_processes_killed_at_each_line_lose_and_double_nothing(
    app: Application, plain: EmbeddedBureau, what: str
) -> None:
    done = app.run(KILLS, what)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 15
    app.due_now()
    app.outbox.drain()
    assert app.rows() == []
    with app.engine.connect() as connection:
        stored = {str(row.id): row.job for row in connection.execute(select(orders))}
    assert stored
    with Bureau(plain.api.url) as bureau:
        for order, job in stored.items():
            assert [found.id for found in bureau.jobs(q=order)] == [job]


def test_what_is_rolled_back_is_not_submitted(app: Application) -> None:
    with Session(app.engine) as session:
        app.outbox.task(session, "shop.suma", a=1, b=1)
        session.rollback()
    assert app.rows() == []
    assert app.outbox.drain() == 0


def test_several_processes_send_a_submission_once(app: Application, plain: EmbeddedBureau) -> None:
    with Session(app.engine) as session, session.begin():
        job = app.outbox.task(session, "shop.suma", {"a": 1}, b=41, title="The answer")
    senders = [
        subprocess.Popen(
            [sys.executable, "-m", "bureau.outbox", "--once"], env=app.env, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [sender.communicate(timeout=60)[0] for sender in senders]
    assert sorted(said) == ["", "1 sent\n"]
    with Bureau(plain.api.url) as bureau:
        found = bureau.get(str(job)).wait(60)
        assert (found.title, found.result()) == ("The answer", 42)
    assert app.rows() == []


def test_while_bureau_is_away_submissions_wait(app: Application) -> None:
    with app.engine.begin() as connection:
        app.outbox.task(connection, "shop.suma", a=1, b=1)
    away = Outbox(app.engine, Bureau(f"http://127.0.0.1:{free_port()}", patience=Patience(seconds=0)), table)
    with pytest.raises(Unreachable):
        away.drain()
    assert len(app.rows()) == 1
    assert app.outbox.drain() == 1  # at once, not after the minute for which the row was taken


def test_a_refused_submission_stays_for_people_and_an_unknown_task_is_tried_again(app: Application) -> None:
    with app.engine.begin() as connection:
        app.outbox.task(connection, "shop.suma", a="one")
        app.outbox.task(connection, "shop.not_deployed_yet")
        app.outbox.task(connection, "shop.suma", a=1, b=1)
    assert app.outbox.drain() == 1
    wrong, new = app.rows()
    assert wrong.refused_at
    assert "#/tasks/0/input" in wrong.trouble
    assert (new.refused_at, new.tries) == (None, 1)
    assert "not_deployed_yet" in new.trouble
    app.due_now()
    assert app.outbox.drain() == 0
    with app.engine.connect() as connection:
        assert connection.execute(select(func.max(table.c.tries))).scalar() == 2
