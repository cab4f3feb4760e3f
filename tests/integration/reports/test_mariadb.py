"""MariaDB as a source: its types as documented, one snapshot, nothing written, statements that end when asked to."""

import csv
import io
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, PermanentError, Stopped, TransientError
from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import parse_query
from bureau.services.reports.output.csv_export import export
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import Rows, RowSource
from bureau.services.reports.sources.sources import open_sources
from bureau.stop_token import StopReason, StopToken
from tests.support.reading import running
from tests.support.servers.mariadb import MariaDB
from tests.support.servers.ports import free_port
from tests.support.waiting import until

FOREVER = "select a.seq from seq_1_to_1000000 a, seq_1_to_1000000 b"  # of MariaDB's sequence engine
COUNT_FOREVER = FOREVER.replace("a.seq", "sum(a.seq)")
ROWS = 20_000


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDB]:
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="module")
def database(mariadb: MariaDB) -> str:
    name = mariadb.fresh_database()
    with mariadb.connect(name) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create table sales (id bigint primary key, region varchar(20), day date, at datetime(3), seen timestamp,"
            " amount decimal(65, 2), weight double, paid boolean, note text, data blob, doc json, spent time)"
        )
        cursor.execute(
            "insert into sales select seq, elt(seq %% 3 + 1, 'north', 'south', 'O''Brien'),"
            " date '2024-01-01' + interval seq %% 366 day, '2024-01-01 08:00:00.5', '2024-01-01 09:00:00',"
            " seq * 1.25, seq * 0.5, seq %% 2,"
            " case seq %% 3 when 0 then null when 1 then '' else '=1+1' end, unhex('00ff'), '{\"a\": 1}', '-01:30:00'"
            " from seq_1_to_%s",
            [ROWS],
        )
        cursor.execute("create table locked (id int)")
    return name


@pytest.fixture
def source(mariadb: MariaDB, database: str) -> RowSource:
    return open_sources({"SOURCE_SHOP_URL": mariadb.url(database)})["shop"]


def read(source: RowSource, sql: str, values: dict[str, Value] | None = None, **dialect: Any) -> list[list[str]]:
    file, how = io.BytesIO(), Dialect(**dialect)
    with running(source, sql, values, how) as rows:
        export(rows, CsvFormat(), file.write, lambda _: None, how)
    return list(csv.reader(io.StringIO(file.getvalue().decode(), newline=""), strict=True))


@pytest.mark.parametrize(
    ("expression", "cell"),
    [
        ("null", ""),
        ("'=1+1'", "'=1+1"),
        ("'日本 🎉'", "日本 🎉"),
        ("'a\\r\\nb\\t\"c\"'", 'a\r\nb\t"c"'),
        ("-5", "-5"),
        ("1234567890123456789012345678901234567890.55", "1234567890123456789012345678901234567890.55"),
        ("cast(0.1 as double)", "0.1"),
        ("true", "1"),
        ("date '2024-02-29'", "2024-02-29"),
        ("timestamp '2024-02-29 08:30:00.500'", "2024-02-29 08:30:00.500000"),
        ("cast('-26:30:00' as time)", "-26:30:00"),
        ("unhex('00ff')", "\\x00ff"),
        ("json_object('a', '=1')", '{"a": "=1"}'),
        ("'50%'", "50%"),
        ("concat('a', ':not')", "a:not"),
    ],
)
def test_a_value_comes_out_as_documented(source: RowSource, expression: str, cell: str) -> None:
    assert read(source, f"select 1, {expression} as `=x`") == [["1", "'=x"], ["1", cell]]


def test_rows_and_sums_equal_the_database_s(source: RowSource, mariadb: MariaDB, database: str) -> None:
    found = read(source, "select * from sales order by id")[1:]
    with mariadb.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*), sum(amount) from sales")
        ((count, amount),) = cursor.fetchall()
    assert (len(found), sum(Decimal(line[5]) for line in found)) == (count, amount)
    assert found[0][:8] == ["1", "south", "2024-01-02", "2024-01-01 08:00:00.500000", found[0][4], "1.25", "0.5", "1"]
    assert found[1][8:] == ["'=1+1", "\\x00ff", '{"a": 1}', "-01:30:00"]


@pytest.mark.parametrize(
    ("where", "values", "count"),
    [
        ("region = :region", {"region": "O'Brien"}, ROWS // 3),
        ("region = :region", {"region": "north' or '1'='1"}, 0),
        ("region = :region", {"region": "\\' or 1=1 -- "}, 0),
        ("(:region is null or region = :region)", {"region": None}, ROWS),
        ("day = :day", {"day": date(2024, 1, 2)}, 55),
        ("at <= :at", {"at": datetime(2024, 1, 1, 8, 0, 1, tzinfo=UTC)}, ROWS),
        ("paid = :paid", {"paid": True}, ROWS // 2),
        ("amount >= :least and weight < :most", {"least": 100, "most": 50.0}, 20),
        (
            "region in (select r from json_table(:regions, '$[*]' columns (r varchar(20) path '$')) as t)",
            {"regions": ("north", "O'Brien")},
            13_333 - 1,
        ),
    ],
)
def test_parameters_are_bound_and_never_part_of_the_sql(
    source: RowSource, where: str, values: dict[str, Value], count: int
) -> None:
    ((found,),) = read(source, f"select count(*) from sales where {where}", values)[1:]  # noqa: S608 - the test's own
    assert abs(int(found) - count) <= 1


def test_several_queries_see_one_snapshot(source: RowSource, mariadb: MariaDB, database: str) -> None:
    query = parse_query("select count(*) from sales")
    with source.snapshot(StopToken()) as snapshot:
        assert abs((datetime.now(UTC) - snapshot.taken_at).total_seconds()) < 60
        with mariadb.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute("insert into sales (id) values (0)")
        try:
            for _ in range(2):
                with snapshot.rows(query, {}, Dialect()) as rows:
                    assert b"".join(batch.lines for batch in rows.batches) == b"%d\r\n" % ROWS
        finally:
            with mariadb.connect(database) as connection, connection.cursor() as cursor:
                cursor.execute("delete from sales where id = 0")


def test_a_limit_reads_no_further_and_the_planner_is_asked(source: RowSource) -> None:
    with running(source, FOREVER, limit=5) as rows:
        assert sum(batch.rows for batch in rows.batches) == 5
    with source.snapshot(StopToken()) as snapshot:
        expected = snapshot.expected(parse_query("select * from sales"), {})
        assert expected
        assert ROWS / 2 < expected < ROWS * 2


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("selec 1", "report_query_invalid", "cannot parse"),
        ("select secret from sales", "report_query_invalid", "uses a column that"),
        ("select secret_function(1)", "report_query_invalid", "uses a function that"),
        ("delete from sales", "report_query_writes", "would change data"),
        ("select * from locked", "source_permission_denied", "may not read everything"),
    ],
)
def test_a_query_the_source_refuses_fails_for_good(
    mariadb: MariaDB, database: str, sql: str, code: str, words: str
) -> None:
    with mariadb.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("create or replace user reader@'127.0.0.1' identified by 'reading'")
        cursor.execute("grant select, delete on sales to reader@'127.0.0.1'")
        cursor.execute(f"grant execute on {database}.* to reader@'127.0.0.1'")
    reader = open_sources({"SOURCE_SHOP_URL": mariadb.url(database, "reader", "reading")})["shop"]
    with pytest.raises(PermanentError) as error:
        read(reader, sql)
    assert (error.value.code, words in error.value.message) == (code, True), error.value.message
    assert "secret" not in error.value.message


def test_a_table_that_is_not_there_is_told_from_one_that_may_not_be_read(source: RowSource) -> None:
    with pytest.raises(PermanentError, match="uses a table that"):
        read(source, "select * from secret_table")


def test_a_source_that_is_down_is_tried_again_soon_and_one_that_refuses_the_login_slowly(
    mariadb: MariaDB, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    away = mariadb.url(database).replace(f":{mariadb.port}/", f":{free_port()}/")
    with pytest.raises(TransientError, match="could not be reached") as error:
        read(open_sources({"SOURCE_SHOP_URL": away})["shop"], "select 1")
    assert error.value.retry_after is None
    wrong = [
        mariadb.url(database, password="guessed"),
        mariadb.url(database, user="nobody", password="guessed"),
        mariadb.url("no_such_database"),
    ]
    for url in wrong:
        with pytest.raises(TransientError, match="refused the login") as error:
            read(open_sources({"SOURCE_SHOP_URL": url})["shop"], "select 1")
        assert (error.value.code, error.value.retry_after) == ("source_sign_in_refused", LOGIN_REFUSED_SECONDS)
        assert "SOURCE_SHOP_URL" in error.value.message
        assert "guessed" not in error.value.message + "".join(capsys.readouterr())


def test_a_time_limit_says_how_long_it_ran(mariadb: MariaDB, database: str) -> None:
    given = {"SOURCE_SHOP_URL": mariadb.url(database), "SOURCE_SHOP_TIMEOUT_SECONDS": "0.2"}
    with pytest.raises(PermanentError, match=r"after \d seconds, because .* SOURCE_SHOP_TIMEOUT_SECONDS"):
        read(open_sources(given)["shop"], COUNT_FOREVER)


@pytest.mark.parametrize("sql", ["select sleep(600)", COUNT_FOREVER, FOREVER])
def test_a_stop_ends_the_statement_on_the_server(source: RowSource, mariadb: MariaDB, sql: str) -> None:
    stop, ended = StopToken(), list[BaseException]()

    def drain(rows: Rows) -> None:
        for _ in rows.batches:
            pass

    def work() -> None:
        try:
            with running(source, sql, stop=stop) as rows:
                drain(rows)
        except BaseException as error:  # noqa: BLE001 - Stopped is one, and the test looks at what it was
            ended.append(error)

    def statements() -> int:
        with mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from information_schema.processlist where command = 'Query' and info like %s",
                [f"{sql[:20]}%"],
            )
            return int(cursor.fetchall()[0][0])

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    until(lambda: statements() == 1, 10, "the statement runs")
    asked_at = time.monotonic()
    stop.set(StopReason.CANCELLED)
    thread.join(2)
    until(lambda: statements() == 0, 2, "the statement is gone")
    assert time.monotonic() - asked_at < 2
    assert isinstance(ended[0], Stopped)
