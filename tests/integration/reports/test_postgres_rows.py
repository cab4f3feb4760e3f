"""PostgreSQL through `COPY`: the rows are the database's, parameters are bound, nothing is written."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import parse_query
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.sources.postgres_source import PostgresSource
from bureau.stop_token import StopToken
from tests.integration.reports.conftest import export_all, reader_of, source_at
from tests.support.reading import running
from tests.support.servers.postgres import connect

ROWS = 50_000
FEBRUARY, LEAP_DAY = date(2024, 2, 1), date(2024, 2, 29)


def make_sales(database: psycopg.Connection[Any]) -> None:
    database.execute(
        "create table sales (id, region, day, at, amount, weight, paid)"
        " as select i, (array['north', 'south', 'O''Brien'])[i %% 3 + 1], date '2024-01-01' + i %% 366,"
        " timestamptz '2024-01-01 00:00Z' + i * interval '1 minute', (i * 1.25)::numeric(12, 2), (i * 0.1)::float8,"
        " i %% 2 = 0 from generate_series(1, %s) i",
        [ROWS],
    )


@pytest.fixture
def sales(database: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """To be changed."""
    make_sales(database)
    return database


@pytest.fixture(scope="module")
def shop(shop_url: str) -> PostgresSource:
    """With sales that stay as they are."""
    with connect(shop_url) as database:
        make_sales(database)
    return source_at(shop_url)


def test_row_count_and_column_sums_equal_the_databases(shop: PostgresSource, shop_url: str) -> None:
    header, *lines = reader_of(shop)("select id, amount, weight, paid from sales order by id")
    with connect(shop_url) as database:
        ((count, ids, amounts, weights, paid),) = database.execute(
            "select count(*), sum(id), sum(amount), sum(weight::numeric), count(*) filter (where paid) from sales"
        ).fetchall()
    assert header == ["id", "amount", "weight", "paid"]
    assert len(lines) == count == ROWS
    assert sum(int(line[0]) for line in lines) == ids
    assert sum(Decimal(line[1]) for line in lines) == amounts
    assert sum(Decimal(line[2]) for line in lines) == weights
    assert sum(line[3] == "true" for line in lines) == paid
    assert [int(line[0]) for line in lines] == list(range(1, ROWS + 1))  # the query's order


def everything(_: int) -> bool:
    return True


def nothing(_: int) -> bool:
    return False


@pytest.mark.parametrize(
    ("where", "values", "chosen"),
    [
        ("region = :region", {"region": "O'Brien"}, lambda i: i % 3 == 2),
        ("region = :region", {"region": "north' or '1'='1"}, nothing),
        ("region = :region", {"region": "%s %(x)s %% \\"}, nothing),
        ("(:region is null or region = :region)", {"region": None}, everything),
        ("id <= :id", {"id": 2**62}, everything),
        ("id - :id = 10", {"id": -5}, lambda i: i == 5),
        ("amount >= :least", {"least": 1000.5}, lambda i: i * 1.25 >= 1000.5),
        ("paid = :paid", {"paid": True}, lambda i: i % 2 == 0),
        ("day between :since and :until", {"since": FEBRUARY, "until": LEAP_DAY}, lambda i: 31 <= i % 366 <= 59),
        ("at < :before", {"before": datetime(2024, 1, 2, tzinfo=UTC)}, lambda i: i < 24 * 60),
        ("region = any(:regions)", {"regions": ("north", "O'Brien")}, lambda i: i % 3 != 1),
        ("region = any(:regions)", {"regions": ()}, nothing),
        ("id = any(:ids)", {"ids": (1, 2, 3)}, lambda i: i <= 3),
        ("(:ids is null or id = any(:ids))", {"ids": None}, everything),
        ("region like '%rth' and id % 10 = :n -- 100% :n", {"n": 7}, lambda i: i % 3 == 0 and i % 10 == 7),
        ("region <> ':n' and id::text = :n::text /* :n */", {"n": 7}, lambda i: i == 7),
    ],
)
def test_parameters_are_bound_and_never_part_of_the_sql(
    shop: PostgresSource, where: str, values: dict[str, Value], chosen: Callable[[int], bool]
) -> None:
    lines = reader_of(shop)(f"select id from sales where {where}", values)[1:]  # noqa: S608 - the test's own
    assert sorted(int(line[0]) for line in lines) == [i for i in range(1, ROWS + 1) if chosen(i)]


def test_one_name_for_two_columns_and_a_query_with_an_end_of_its_own(shop: PostgresSource) -> None:
    sql = "with few as (select * from sales order by id) select id, id, 'x' as \"=cmd\", 1 from few limit 2 offset 1;"
    assert reader_of(shop)(sql) == [["id", "id", "'=cmd", "?column?"], ["2", "2", "x", "1"], ["3", "3", "x", "1"]]


def test_no_rows_give_a_header(shop: PostgresSource) -> None:
    assert reader_of(shop)("select 1 as a, 'x' as b where false") == [["a", "b"]]


def test_lines_end_as_rfc_4180_says_with_every_delimiter(shop: PostgresSource) -> None:
    sql = "select * from (values ('a,b;c|d\te', 2), ('x', 3)) as v(a, b)"
    for d in (",", ";", "\t", "|"):
        data = export_all(shop, sql, {}, CsvFormat.model_validate({"delimiter": d}))
        assert data.decode() == f'a{d}b\r\n"a,b;c|d\te"{d}2\r\nx{d}3\r\n'


def test_the_snapshot_is_the_databases_time(source: PostgresSource, database: psycopg.Connection[Any]) -> None:
    ((before,),) = database.execute("select clock_timestamp()").fetchall()
    now = parse_query("select now() as at")
    with source.snapshot(StopToken()) as snapshot, snapshot.rows(now, {}, Dialect()) as rows:
        assert snapshot.taken_at.tzinfo is UTC
        assert before <= snapshot.taken_at
        lines = b"".join(batch.lines for batch in rows.batches).decode()
    assert datetime.fromisoformat(lines.strip()) == snapshot.taken_at


def test_several_queries_see_one_snapshot(source: PostgresSource, sales: psycopg.Connection[Any]) -> None:
    query = parse_query("select count(*) from sales")
    counts = []
    with source.snapshot(StopToken()) as snapshot:
        for _ in range(2):
            with snapshot.rows(query, {}, Dialect()) as rows:
                counts.append(b"".join(batch.lines for batch in rows.batches))
            sales.execute("delete from sales where id < 100")
    assert counts == [f"{ROWS}\r\n".encode()] * 2


def test_the_planner_is_asked_how_many_rows_to_expect(source: PostgresSource, sales: psycopg.Connection[Any]) -> None:
    sales.execute("analyze sales")
    with source.snapshot(StopToken()) as snapshot:
        expected = snapshot.expected(parse_query("select * from sales where paid = :paid"), {"paid": True})
    assert expected
    assert ROWS * 0.4 < expected < ROWS * 0.6


def test_a_limit_reads_no_further(shop: PostgresSource) -> None:
    with running(shop, "select generate_series(1, 1000000000) as i", limit=51) as rows:
        assert sum(batch.rows for batch in rows.batches) == 51
