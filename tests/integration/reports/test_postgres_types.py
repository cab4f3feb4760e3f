"""Every type comes out of PostgreSQL as it is, no text as a formula, and PostgreSQL reads the file back."""

import csv
import io
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from bureau.contracts.errors import PermanentError
from bureau.contracts.reports import CsvFormat
from bureau.formulas import FORMULA_STARTS, is_formula
from bureau.services.reports.definition.columns import Format, NumberFormat, ReportColumn, TimeFormat
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.sources.postgres_source import PostgresSource
from bureau.services.reports.sources.sources import open_sources
from tests.integration.reports.conftest import Read, export_all, reader_of, source_at
from tests.support.reading import running
from tests.support.servers.postgres import connect


@pytest.fixture(scope="module")
def shop(shop_url: str) -> PostgresSource:
    """A source with types of its own."""
    with connect(shop_url) as database:
        database.execute("create type mood as enum ('=danger', 'calm'); create domain short_text as varchar(10)")
    return source_at(shop_url)


@pytest.mark.parametrize(
    ("expression", "cell"),
    [
        ("null::text", ""),
        ("'plain'", "plain"),
        ("'=1+1'", "'=1+1"),
        ("'+49 30'", "'+49 30"),
        ("'-5'", "'-5"),
        ("'@x'", "'@x"),
        ("E'\\t=1'", "'\t=1"),
        ("E'\\r=1'", "'\r=1"),
        ("E'\\n=1'", "'\n=1"),
        ("'＝1'", "'＝1"),
        ("'日本 🎉'", "日本 🎉"),
        ("'=x'::varchar(9)", "'=x"),
        ("'=x'::char(4)", "'=x  "),
        ("'ab'::char(4)", "ab  "),
        ("'=x'::name", "'=x"),
        ("'='::\"char\"", "'="),
        ("'=danger'::mood", "'=danger"),
        ("'-7'::short_text", "'-7"),
        ("array['=x', 'y']", "{=x,y}"),
        ("row('=x', 1)::text", "(=x,1)"),
        ("-5", "-5"),
        ("-0.50::numeric", "-0.50"),
        ("-1e300::float8", "-1e+300"),
        ("'-Infinity'::float8", "-Infinity"),
        ("'NaN'::numeric", "NaN"),
        ("1234567890123456789012345678901234567890.5", "1234567890123456789012345678901234567890.5"),
        ("true", "true"),
        ("null::boolean", ""),
        ("date '2024-02-29'", "2024-02-29"),
        ("'-infinity'::date", "-infinity"),
        ("timestamp '2024-02-29 08:30:00.5'", "2024-02-29 08:30:00.5"),
        ("interval '-1 day'", "-1 days"),
        ("'\\x00ff'::bytea", "\\x00ff"),
        ('\'{"a": "=1"}\'::jsonb', '{"a": "=1"}'),
        ("'-5'::json", "-5"),
        ("'6b1f3f34-0000-4000-8000-000000000000'::uuid", "6b1f3f34-0000-4000-8000-000000000000"),
        ("'::1'::inet", "::1"),
    ],
)
def test_a_value_comes_out_as_documented(shop: PostgresSource, expression: str, cell: str) -> None:
    read = reader_of(shop)
    assert read(f"select 1, {expression} as x") == [["?column?", "x"], ["1", cell]]


def test_a_time_with_its_zone_names_the_same_instant_whatever_the_sources_settings(
    read: Read, database: psycopg.Connection[Any]
) -> None:
    database.execute(f"alter database {database.info.dbname} set datestyle = 'German, DMY'")
    database.execute(f"alter database {database.info.dbname} set timezone = 'Asia/Kolkata'")
    assert read("select timestamptz '2024-02-29 08:30:00Z' as a, date '2024-02-03' as b")[1] == [
        "2024-02-29 14:00:00+05:30",
        "2024-02-03",
    ]


def test_a_source_in_another_encoding_gives_utf8_with_formulas_neutralised(
    postgres_url: str, database: psycopg.Connection[Any]
) -> None:
    name = f"{database.info.dbname}_japanese"
    database.execute(f"create database {name} encoding 'EUC_JP' locale 'C' template template0")
    try:
        source = open_sources({"SOURCE_SHOP_URL": postgres_url.replace(database.info.dbname, name)})["shop"]
        data = export_all(source, "select '日本' as \"名\", '=1' as b, '' as c", {}, CsvFormat())
        assert data.decode() == '名,b,c\r\n日本,\'=1,""\r\n'
    finally:
        database.execute(f"drop database {name} with (force)")


def test_postgres_reads_the_file_back_equal(source: PostgresSource, database: psycopg.Connection[Any]) -> None:
    database.execute(
        "create table original as select i as id, case when i % 7 = 0 then null when i % 5 = 0 then ''"
        " else E'say \"hi\", \\\\. \\r\\n line ' || i end as note, i * -1.5 as amount,"
        " timestamptz '2024-01-01' + i * interval '1 hour' as at, i % 2 = 0 as flag,"
        " decode(md5(i::text), 'hex') as data, array[i::text, null, 'a,b'] as tags, jsonb_build_object('n', i) as doc"
        " from generate_series(1, 1000) i;"
        "create table copied (like original)"
    )
    data = export_all(source, "select * from original order by id", {}, CsvFormat())
    with database.cursor() as cursor, cursor.copy("copy copied from stdin with (format csv, header)") as copy:
        copy.write(data)
    ((differences,),) = database.execute(
        "select count(*) from (select * from original except select * from copied) as d"
    ).fetchall()
    assert differences == 0
    assert database.execute("select count(*) from copied").fetchall() == [(1000,)]


def test_no_text_begins_like_a_formula_whatever_its_first_character(shop: PostgresSource) -> None:
    sql = (
        "select 'x' as x, chr(i) || 'y' as y from generate_series(1, 55295) i"
        " union all select 'x', chr(i) from generate_series(57344, 70000) i"  # between them are no characters
    )
    data = export_all(shop, sql, {}, CsvFormat())
    lines = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert len(lines) == 1 + 55295 + 70000 - 57344 + 1
    assert not [line for line in lines if line[1].startswith(tuple(FORMULA_STARTS))]
    assert sum(line[1].startswith("'") for line in lines) == len(FORMULA_STARTS) + 1  # the quote itself


def test_the_server_finds_the_same_formulas_as_every_other_source(shop: PostgresSource) -> None:
    behind = "unnest(array['', 'y', '=', ' =', '-1'])"
    sql = f"select i as x, chr(i) || behind as y from generate_series(1, 55295) i, {behind} as behind"  # noqa: S608
    data = export_all(shop, sql, {}, CsvFormat())
    lines = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))[1:]
    for number, text in lines:
        first = chr(int(number))
        bare = text[1:] if text[0] == "'" and not (first == "'" and text[1:2] != "'") else text
        assert bare[0] == first
        assert (bare != text) == is_formula(bare), f"{first!r} and what follows it: {text!r}"
    assert len(lines) == 5 * 55295


EURO = Dialect(";", "N/A", decimal_comma=True, date_format="DD.MM.YYYY")


@pytest.mark.parametrize(
    ("dialect", "expression", "cell"),
    [
        (EURO, "1.5::float8", "1,5"),
        (EURO, "-1234567890123456789012345678901234567890.5", "-1234567890123456789012345678901234567890,5"),
        (EURO, "7", "7"),
        (EURO, "'Infinity'::float8", "Infinity"),
        (EURO, "date '2024-02-09'", "09.02.2024"),
        (EURO, "'infinity'::date", "infinity"),
        (EURO, "date '0044-03-15 BC'", "0044-03-15 BC"),
        (EURO, "timestamp '2024-02-09 08:05:06.5'", "09.02.2024 08:05:06.5"),
        (EURO, "timestamptz '2024-02-09 08:05Z' at time zone 'UTC'", "09.02.2024 08:05:00"),
        (EURO, "null::text", "N/A"),
        (EURO, "null::date", "N/A"),
        (EURO, "null::float8", "N/A"),
        (EURO, "'N/A'", "N/A"),
        (EURO, "''", ""),
        (EURO, "'1.5'", "1.5"),
        (Dialect(null_text="\\N"), "null::int", "\\N"),
        (Dialect(decimal_comma=True), "1.5", "1,5"),
        (Dialect(neutralise=False), "'=1+1'", "=1+1"),
        (Dialect(neutralise=False), "true", "true"),
        (Dialect(neutralise=False), "'=x'::char(4)", "=x  "),
        (Dialect(zone=ZoneInfo("Asia/Kolkata")), "timestamptz '2024-02-09 08:05Z'", "2024-02-09 13:35:00+05:30"),
        (Dialect(columns={"x": ReportColumn("x", None, NumberFormat(2))}), "2.675::float8", "2.68"),
        (Dialect(columns={"x": ReportColumn("x", None, NumberFormat(2))}), "-2.675", "-2.68"),
        (Dialect(columns={"x": ReportColumn("x", None, NumberFormat(1))}), "7", "7.0"),
        (Dialect(columns={"x": ReportColumn("x", None, NumberFormat(0))}), "'-Infinity'::float4", "-Infinity"),
        (Dialect(columns={"x": ReportColumn("x", None, NumberFormat(0))}), "'NaN'::numeric", "NaN"),
        (
            Dialect(columns={"x": ReportColumn("x", None, TimeFormat("DD/MM/YYYY", " HH:MM"))}),
            "date '2024-02-09'",
            "09/02/2024 00:00",
        ),
        (
            Dialect(
                columns={"x": ReportColumn("x", None, TimeFormat("DD.MM.YYYY", " HH:MM:SS"))},
                zone=ZoneInfo("Europe/Paris"),
            ),
            "timestamptz '2024-02-09 08:05:06Z'",
            "09.02.2024 09:05:06",
        ),
    ],
)
def test_a_dialect_changes_what_it_says_and_nothing_else(
    shop: PostgresSource, dialect: Dialect, expression: str, cell: str
) -> None:
    with running(shop, f"select 1, {expression} as x", dialect=dialect) as rows:
        text = b"".join(batch.lines for batch in rows.batches).decode()
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, strict=True)) == [["1", cell]]


def test_text_that_says_the_same_as_null_is_quoted(shop: PostgresSource) -> None:
    with running(shop, "select 'N/A', null", dialect=EURO) as rows:
        assert b"".join(batch.lines for batch in rows.batches) == b'"N/A";N/A\r\n'


@pytest.mark.parametrize("form", [NumberFormat(2), TimeFormat("DD.MM.YYYY")])
def test_a_format_that_a_column_cannot_have_is_an_error_of_the_report(shop: PostgresSource, form: Format) -> None:
    wrong = Dialect(columns={"x": ReportColumn("x", None, form)})
    with (
        pytest.raises(PermanentError, match="gives the column 'x' a format for"),
        running(shop, "select 'a' as x", dialect=wrong),
    ):
        pytest.fail("it ran")


def test_a_file_with_every_choice_made_is_read_back_equal_by_postgresql(
    source: PostgresSource, database: psycopg.Connection[Any]
) -> None:
    """Choices of notation that `COPY` can be told; a decimal comma it cannot."""
    database.execute(
        "create table original as select i as id, case i % 4 when 0 then null when 1 then 'NULL' when 2 then '' else"
        " E'=\"q\"; \\t 🎉\\r\\n' || i end as note, date '2024-01-01' + i as day, i * 1.25 as amount"
        " from generate_series(1, 200) i; create table copied (like original)"
    )
    form = CsvFormat(delimiter=";", null_text="NULL", header=False)
    dialect = Dialect.of(form, neutralise=False)
    data = export_all(source, "select * from original", {}, form, dialect)
    with (
        database.cursor() as cursor,
        cursor.copy("copy copied from stdin with (format csv, delimiter ';', null 'NULL')") as copy,
    ):
        copy.write(data)
    differences = "select count(*) from (select * from original except select * from copied) as d"
    assert database.execute(differences).fetchall() == [(0,)]
