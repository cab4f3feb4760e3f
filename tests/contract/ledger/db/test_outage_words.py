"""What an outage of the ledger says: the server, and what it or its driver said, without a password."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bureau.ledger.db.database import Database, LedgerUnavailable
from tests.support.servers.ports import free_port


def said(url: str) -> str:
    db = Database(url)
    try:
        with pytest.raises(LedgerUnavailable) as error:
            db.ping()
        return str(error.value)
    finally:
        db.close()


def test_a_server_that_is_down_is_named_with_its_port() -> None:
    port = free_port()
    words = said(f"postgresql+psycopg://ada:hunter2-hidden@127.0.0.1:{port}/ledger")
    assert words.startswith(f"PostgreSQL at 127.0.0.1:{port}: ")
    assert "Connection refused" in words
    assert "hunter2" not in words
    assert "\n" not in words


def test_a_login_that_is_refused_is_told_in_the_servers_words(postgres_server: str) -> None:
    url = make_url(postgres_server).set(password="hunter2-hidden", drivername="postgresql+psycopg")
    words = said(url.render_as_string(hide_password=False))
    assert "password authentication failed" in words
    assert "hunter2" not in words


def test_a_file_that_is_locked_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    db = Database(f"sqlite:///{path}", timeout_seconds=0.05)
    db.ping()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerUnavailable) as error, db.transaction():
            raise AssertionError("not reached")
    db.close()
    assert str(error.value) == f"SQLite in {path}: database is locked"
