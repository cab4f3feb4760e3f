"""Every type comes out of PostgreSQL as it is, no text as a formula, and PostgreSQL reads the file back."""

import csv
import io
from typing import Any

import psycopg
import pytest

from bureau.contracts.reports import CsvFormat
from services.reports.cells import FORMULA_STARTS
from services.reports.postgres_source import PostgresSource
from services.reports.sources import open_sources
from tests.integration.reports.conftest import Read, export_all


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
def test_a_value_comes_out_as_documented(
    read: Read, database: psycopg.Connection[Any], expression: str, cell: str
) -> None:
    database.execute("create type mood as enum ('=danger', 'calm'); create domain short_text as varchar(10)")
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
        assert isinstance(source, PostgresSource)
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


def test_no_text_begins_like_a_formula_whatever_its_first_character(source: PostgresSource) -> None:
    sql = (
        "select 'x' as x, chr(i) || 'y' as y from generate_series(1, 55295) i"
        " union all select 'x', chr(i) from generate_series(57344, 70000) i"  # between them are no characters
    )
    data = export_all(source, sql, {}, CsvFormat())
    lines = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert len(lines) == 1 + 55295 + 70000 - 57344 + 1
    assert not [line for line in lines if line[1].startswith(tuple(FORMULA_STARTS))]
    assert sum(line[1].startswith("'") for line in lines) == len(FORMULA_STARTS) + 1  # the quote itself
