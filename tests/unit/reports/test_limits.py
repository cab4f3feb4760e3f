"""Tests the limits of sources, and that several queries see one snapshot."""

import sqlite3
from pathlib import Path

import pytest
from pydantic import SecretStr

from bureau.contracts.errors import PermanentError
from bureau.services.reports.definition.query import parse_query
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.limits import SourceLimits
from bureau.services.reports.output.rows import Rows
from bureau.services.reports.sources.sources import InvalidSources, open_sources
from bureau.services.reports.sources.sqlalchemy_source import SqlAlchemySource
from bureau.services.reports.sources.sqlite_source import SqliteSource
from bureau.stop_token import StopToken
from tests.support.reading import running

FOREVER = "with recursive n(i) as (select 1 union all select i + 1 from n) select "


def drain(rows: Rows) -> None:
    for batch in rows.batches:
        assert batch.rows


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.executescript("pragma journal_mode = wal; create table t (i integer); insert into t values (1)")
    return tmp_path / "shop.db"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AT_A_TIME", "0"), ("AT_A_TIME", "many"), ("TIMEOUT_SECONDS", "0"), ("TIMEOUT_SECONDS", "x")],
)
def test_an_invalid_limit_is_refused_with_the_allowed_values(variable: str, value: str) -> None:
    given = {"SOURCE_SHOP_URL": "sqlite:///x.db", f"SOURCE_SHOP_{variable}": value}
    with pytest.raises(InvalidSources, match=f"SOURCE_SHOP_{variable}: write a number from"):
        open_sources(given)


@pytest.mark.parametrize("what", ["count(*) from n", "i from n"])
def test_a_statement_of_sqlite_that_takes_too_long_is_ended_with_an_error(shop: Path, what: str) -> None:
    source = SqliteSource("shop", shop, SourceLimits(timeout_seconds=0.05))
    with pytest.raises(PermanentError, match=r"after \d seconds"), running(source, FOREVER + what) as rows:
        drain(rows)


def test_rows_of_another_database_that_take_too_long_are_ended(shop: Path) -> None:
    source = SqlAlchemySource("shop", SecretStr(f"sqlite:///{shop}"), SourceLimits(timeout_seconds=0.05))
    with (
        pytest.raises(PermanentError, match=r"after \d seconds"),
        running(source, FOREVER + "i from n") as rows,
    ):
        assert sum(batch.rows for batch in rows.batches) < 0


def test_several_queries_of_sqlite_see_one_snapshot(shop: Path) -> None:
    query = parse_query("select count(*) from t")
    with SqliteSource("shop", shop, SourceLimits()).snapshot(StopToken()) as snapshot:
        with sqlite3.connect(shop) as other:
            other.execute("insert into t values (2)")
        other.close()
        for _ in range(2):
            with snapshot.rows(query, {}, Dialect()) as rows:
                assert b"".join(batch.lines for batch in rows.batches) == b"1\r\n"


def test_a_limit_ends_the_reading(shop: Path) -> None:
    with running(SqliteSource("shop", shop, SourceLimits()), FOREVER + "i from n", limit=200) as rows:
        assert sum(batch.rows for batch in rows.batches) == 200
