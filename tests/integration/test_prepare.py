"""What the compose stack does before its processes start: tables, rights of the workers, the first key."""

from collections.abc import Iterator

import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from bureau.ledger.access import keys
from bureau.ledger.db.database import Database
from bureau.services.gateway.api_keys import api_key
from deploy import prepare
from tests.support.servers.postgres import connect


@pytest.fixture
def role(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"{make_url(postgres_url).database}_worker"
    monkeypatch.setattr(prepare, "WORKER_ROLE", name)
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    with connect(postgres_url) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_the_first_key_is_made_once_and_shown_once(
    role: str, postgres_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://bureau.example.com")
    assert prepare.main() == 0
    said = capsys.readouterr().out
    shown = said.partition("export BUREAU_KEY=")[2].split()[0]
    assert "https://bureau.example.com/v1/certificates" in said

    assert prepare.main() == 0
    assert capsys.readouterr().out == "The ledger is ready.\n"

    key = api_key.parse(shown)
    db = Database(postgres_url)
    (kept,) = keys.all_keys(db)
    db.close()
    assert key is not None
    assert (kept.id, kept.role) == (key.id, "operate")
    assert key.opens(kept.sha256)


def test_workers_are_given_their_rights_at_every_start(role: str, postgres_url: str) -> None:
    assert prepare.main() == 0
    with connect(postgres_url) as connection:
        connection.execute(sql.SQL("REVOKE ALL ON tasks FROM {}").format(sql.Identifier(role)))
        assert prepare.main() == 0
        may = connection.execute("SELECT has_table_privilege(%s, 'tasks', 'SELECT')", (role,)).fetchone()
    assert may == (True,)


def test_a_database_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://bureau:hunter2@127.0.0.1:1/bureau")
    assert prepare.main() == 1
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "hunter2" not in said
