"""A source on a fresh PostgreSQL database, and reading it whole."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
import pytest

from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.output.csv_export import export
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import RowSource
from bureau.services.reports.sources.postgres_source import PostgresSource
from bureau.services.reports.sources.sources import open_sources
from tests.support.reading import running
from tests.support.servers.postgres import connect, drop_database, fresh_database

Read = Callable[..., list[list[str]]]


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    """The source's database, to fill it and to look into it."""
    with connect(postgres_url) as connection:
        yield connection


@pytest.fixture
def source(postgres_url: str) -> PostgresSource:
    return source_at(postgres_url)


@pytest.fixture
def read(source: PostgresSource) -> Read:
    return reader_of(source)


@pytest.fixture(scope="module")
def shop_url(postgres_server: str) -> Iterator[str]:
    """A database for all tests of a module that read it only."""
    url = fresh_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


def source_at(url: str) -> PostgresSource:
    """Made as the service makes it: from the environment."""
    made = open_sources({"SOURCE_SHOP_URL": url})["shop"]
    assert isinstance(made, PostgresSource)
    return made


def reader_of(source: PostgresSource) -> Read:
    """Reads the lines of the CSV file, header first, as Python's csv reads them."""

    def reading(sql: str, values: Mapping[str, Value] | None = None, form: CsvFormat | None = None) -> list[list[str]]:
        data = export_all(source, sql, values or {}, form or CsvFormat())
        text = io.StringIO(data.decode("utf-8"), newline="")
        return list(csv.reader(text, delimiter=form.delimiter if form else ",", strict=True))

    return reading


def export_all(
    source: RowSource, sql: str, values: Mapping[str, Value], form: CsvFormat, dialect: Dialect | None = None
) -> bytes:
    file = io.BytesIO()
    dialect = dialect or Dialect.of(form)
    with running(source, sql, values, dialect) as rows:
        export(rows, form, file.write, lambda _: None, dialect)
    return file.getvalue()
