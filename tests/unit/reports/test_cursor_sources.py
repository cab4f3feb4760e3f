"""Tests SQLite and other databases behind a cursor, with one suite for both readers."""

import csv
import io
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, PermanentError, Stopped, TransientError
from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.output.csv_export import export
from bureau.services.reports.output.limits import SourceLimits
from bureau.services.reports.output.rows import Rows, RowSource
from bureau.services.reports.sources.sqlalchemy_source import SqlAlchemySource
from bureau.services.reports.sources.sqlite_source import SqliteSource
from bureau.stop_token import StopReason, StopToken
from tests.support.reading import running

FOREVER = "with recursive n(i) as (select 1 union all select i + 1 from n) select "


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "create table sales (id integer, region text, day text, at text, amount real, note text, data blob);"
            "insert into sales values"
            " (1, 'north', '2024-01-01', '2024-01-01 08:00:00', 1.5, null, x'00ff'),"
            " (2, 'south', '2024-01-02', '2024-01-02 08:00:00', -2.25, '', null),"
            " (3, 'O''Brien', '2024-01-03', '2024-01-03 08:00:00', 1e6, '=1+1', null)"
        )
    return path


@pytest.fixture(params=["sqlite3", "sqlalchemy"])
def source(request: pytest.FixtureRequest, shop: Path) -> RowSource:
    return source_at(request.param, shop)


def source_at(reader: str, path: Path) -> RowSource:
    if reader == "sqlite3":
        return SqliteSource("shop", path, SourceLimits())
    return SqlAlchemySource("shop", SecretStr(f"sqlite:///file:{path}?mode=ro&uri=true"), SourceLimits())


def read(
    source: RowSource, sql: str, values: Mapping[str, Value] | None = None, stop: StopToken | None = None
) -> list[list[str]]:
    file = io.BytesIO()
    with running(source, sql, values, stop=stop) as rows:
        export(rows, CsvFormat(), file.write, lambda _: None)
    return list(csv.reader(io.StringIO(file.getvalue().decode(), newline=""), strict=True))


def test_rows_are_unchanged_except_for_neutralised_formulas(source: RowSource) -> None:
    assert read(source, 'select id, amount, note, data, 1 as "=x" from sales order by id') == [
        ["id", "amount", "note", "data", "'=x"],
        ["1", "1.5", "", "\\x00ff", "1"],
        ["2", "-2.25", "", "", "1"],
        ["3", "1000000.0", "'=1+1", "", "1"],
    ]


@pytest.mark.parametrize(
    ("where", "values", "ids"),
    [
        ("region = :region", {"region": "O'Brien"}, ["3"]),
        ("region = :region", {"region": "north' or '1'='1"}, []),
        (":region is null or region = :region", {"region": None}, ["1", "2", "3"]),
        ("amount >= :least", {"least": 1.5}, ["1", "3"]),
        ("id = :id", {"id": 2}, ["2"]),
        ("(id = 1) = :flag", {"flag": True}, ["1"]),
        ("day >= :since", {"since": date(2024, 1, 2)}, ["2", "3"]),
        ("at < :before", {"before": datetime(2024, 1, 2, 8, 0, tzinfo=UTC)}, ["1"]),
        ("region in (select value from json_each(:regions))", {"regions": ("north", "O'Brien")}, ["1", "3"]),
        ("region in (select value from json_each(:regions))", {"regions": ()}, []),
        ("day in (select value from json_each(:days))", {"days": (date(2024, 1, 3),)}, ["3"]),
        ("region = ':region' or id = :id -- :not", {"id": 1}, ["1"]),
    ],
)
def test_parameters_are_bound_and_never_part_of_the_sql(
    source: RowSource, where: str, values: dict[str, Value], ids: list[str]
) -> None:
    found = read(source, f"select id from sales where {where}\norder by id", values)  # noqa: S608 - the test's own
    assert [line[0] for line in found[1:]] == ids


def test_a_file_may_have_any_name(shop: Path) -> None:
    odd = shop.rename(shop.with_name("shöp #1?mode=rw 100%.db"))
    assert len(read(SqliteSource("shop", odd, SourceLimits()), "select id from sales")) == 4
    with pytest.raises(PermanentError):
        read(SqliteSource("shop", odd, SourceLimits()), "delete from sales")


def test_the_snapshot_has_a_time(source: RowSource) -> None:
    before = datetime.now(UTC)
    with source.snapshot(StopToken()) as snapshot:
        assert before <= snapshot.taken_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("selec 1", "report_query_invalid"),
        ("select * from secret_table", "report_query_invalid"),
        ("select secret_column from sales", "report_query_invalid"),
        ("select secret_function(1)", "report_query_invalid"),
        ("create table other (id integer)", "report_query_writes"),
        ("delete from sales", "report_query_writes"),
    ],
)
def test_a_refused_query_is_a_permanent_error_that_shows_no_sql(shop: Path, sql: str, code: str) -> None:
    with pytest.raises(PermanentError) as error:
        read(source_at("sqlite3", shop), sql)
    assert error.value.code == code
    assert "secret" not in error.value.message
    assert "sales" not in error.value.message


def test_a_refused_query_is_a_permanent_error_of_the_generic_reader_too(shop: Path) -> None:
    with pytest.raises((PermanentError, TransientError)) as error:
        read(source_at("sqlalchemy", shop), "select secret_column from sales")
    assert "secret" not in error.value.message


def test_a_statement_that_returns_no_columns_is_refused(source: RowSource) -> None:
    with pytest.raises(PermanentError, match="is not a select"):
        read(source, "pragma cache_size = 100")


def test_text_that_is_not_utf8_is_a_data_error(shop: Path) -> None:
    with pytest.raises(PermanentError, match="failed on text that is not UTF-8"):
        read(source_at("sqlite3", shop), "select cast(x'ff' as text)")


@pytest.mark.parametrize("reader", ["sqlite3", "sqlalchemy"])
def test_a_source_that_is_down_is_a_transient_error(reader: str, tmp_path: Path) -> None:
    with pytest.raises(TransientError) as error:
        read(source_at(reader, tmp_path / "gone.db"), "select 1")
    assert error.value.code == "source_unavailable"
    assert "gone.db" not in error.value.message
    assert not (tmp_path / "gone.db").exists()


def test_a_file_that_may_not_be_read_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stands for the file, because tests may run as a user who may read everything."""
    path = tmp_path / "shop.db"
    monkeypatch.setattr(Path, "exists", lambda one: one == path)
    with pytest.raises(TransientError, match="may not be read") as error:
        read(source_at("sqlite3", path), "select 1")
    assert (error.value.code, error.value.retry_after) == ("source_sign_in_refused", LOGIN_REFUSED_SECONDS)
    assert "SOURCE_SHOP_URL" in error.value.message
    assert str(tmp_path) not in error.value.message


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("ORA-01017: invalid username/password; logon denied", "source_sign_in_refused"),
        (
            "('28000', \"[28000] [Microsoft]Login failed for user 'ada'. (18456)\")",
            "source_sign_in_refused",
        ),
        ("250001 (08001): Incorrect username or password was specified.", "source_sign_in_refused"),
        ("ORA-12541: TNS:no listener", "source_unavailable"),
        ("timeout expired", "source_unavailable"),
    ],
)
def test_another_database_that_refuses_the_login_is_known_by_its_words(
    shop: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: str
) -> None:
    source = source_at("sqlalchemy", shop)

    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError(words)

    monkeypatch.setattr("sqlalchemy.dialects.sqlite.pysqlite.SQLiteDialect_pysqlite.connect", refuse)
    with pytest.raises(TransientError) as error:
        read(source, "select 1")
    assert error.value.code == code
    assert words not in error.value.message


def test_a_locked_file_is_a_transient_error(shop: Path) -> None:
    with sqlite3.connect(shop, isolation_level=None) as writer:
        writer.execute("begin exclusive")
        with pytest.raises(TransientError):
            read(source_at("sqlite3", shop), "select * from sales")


class WatchedToken(StopToken):
    """Says when something waits to be interrupted by it."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = threading.Event()

    @contextmanager
    def interrupting(self, callback: Callable[[], None]) -> Iterator[None]:
        with super().interrupting(callback):
            self.watched.set()
            yield


def test_a_statement_without_rows_yet_is_interrupted_within_two_seconds(shop: Path) -> None:
    stop = WatchedToken()
    stopped_at: list[float] = []

    def cancel() -> None:
        stop.watched.wait()
        stopped_at.append(time.monotonic())
        stop.set(StopReason.CANCELLED)

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(Stopped), running(source_at("sqlite3", shop), f"{FOREVER} count(*) from n", stop=stop):
        pytest.fail("an endless count has no first row")
    assert time.monotonic() - stopped_at[0] < 2


def test_a_stop_between_rows_ends_the_reading(source: RowSource) -> None:
    stop = StopToken()

    def drain(rows: Rows) -> None:
        for batch in rows.batches:
            assert batch.rows > 0
            stop.set(StopReason.TIME_LIMIT)

    with pytest.raises(Stopped), running(source, f"{FOREVER} i from n", stop=stop) as endless:
        drain(endless)


def test_a_report_that_was_stopped_before_its_start_reads_no_rows(source: RowSource) -> None:
    stop = StopToken()
    stop.set(StopReason.SHUTDOWN)
    with pytest.raises(Stopped), running(source, f"{FOREVER} i from n", stop=stop):
        pytest.fail("it began")
