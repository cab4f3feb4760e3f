"""Stopping a task ends its statement on the server, wherever the statement is."""

import socket
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bureau.contracts.errors import Stopped
from bureau.contracts.reports import CsvFormat
from bureau.services.reports.output.csv_export import export
from bureau.services.reports.output.rows import RowSource
from bureau.services.reports.sources.postgres_source import PostgresSource
from bureau.services.reports.sources.sources import open_sources
from bureau.stop_token import StopReason, StopToken
from tests.support.reading import running
from tests.support.servers.postgres import connect
from tests.support.waiting import until

ACTIVE = (
    "select count(*) from pg_stat_activity where application_name = 'bureau reports' and datname = current_database()"
)
WITHIN_SECONDS = 2.0


class Running:
    """A report in a thread of its own: how it ended, and the rows it wrote."""

    def __init__(self, source: RowSource, sql: str) -> None:
        self.stop = StopToken()
        self.rows = 0
        self.ended: BaseException | None = None
        self._source, self._sql = source, sql
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with running(self._source, self._sql, stop=self.stop) as rows:
                export(rows, CsvFormat(), lambda _: None, self._progress)
        except BaseException as error:  # noqa: BLE001 - Stopped is one, and the test looks at what it was
            self.ended = error

    def _progress(self, rows: int) -> None:
        self.rows = rows

    def go_on_for(self, seconds: float) -> None:
        self._thread.join(seconds)

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"still running after {seconds} s"


# In the select list the series is made as it is read; in `from` PostgreSQL would first write it to disk.
ENDLESS = "select generate_series(1, 1000000000) as i, 'some text' as t"


def cancel_and_look(report: Running, database: psycopg.Connection[Any]) -> None:
    """Cancels, and sees the report ended and its statement gone from the server in time."""
    cancelled_at = time.monotonic()
    report.stop.set(StopReason.CANCELLED)
    report.wait(WITHIN_SECONDS)
    until(lambda: database.execute(ACTIVE).fetchall() == [(0,)], WITHIN_SECONDS, "the statement is gone")
    assert time.monotonic() - cancelled_at < WITHIN_SECONDS
    assert isinstance(report.ended, Stopped)


def active(database: psycopg.Connection[Any], statement: str) -> bool:
    found = database.execute(f"{ACTIVE} and state = 'active' and query like %s", [f"{statement}%"]).fetchall()
    return found == [(1,)]


def test_a_statement_that_has_given_no_row_yet(source: PostgresSource, database: psycopg.Connection[Any]) -> None:
    report = Running(source, "select pg_sleep(600)")
    until(lambda: active(database, "copy"), 10, "the statement runs")
    cancel_and_look(report, database)


def test_a_statement_in_the_middle_of_its_rows(source: PostgresSource, database: psycopg.Connection[Any]) -> None:
    report = Running(source, ENDLESS)
    until(lambda: report.rows > 10_000, 30, "rows arrive")
    cancel_and_look(report, database)


def test_a_statement_that_waits_for_a_lock_before_it_is_planned(
    source: PostgresSource, database: psycopg.Connection[Any], postgres_url: str
) -> None:
    database.execute("create table sales (id integer)")
    with connect(postgres_url) as other, other.transaction():
        other.execute("lock table sales in access exclusive mode")
        report = Running(source, "select * from sales")
        until(lambda: active(database, "select * from ("), 10, "the statement waits")
        cancel_and_look(report, database)


def test_a_stop_at_any_moment_of_the_beginning_is_not_lost(
    source: PostgresSource, database: psycopg.Connection[Any]
) -> None:
    for moment in range(25):  # connecting, beginning, binding, planning, running: all within 25 ms
        report = Running(source, "select pg_sleep(600)")
        report.go_on_for(moment / 1000)
        cancel_and_look(report, database)


def test_a_source_that_fails_to_write_ends_the_statement_too(
    source: PostgresSource, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    def full(_: bytes) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"), running(source, ENDLESS) as rows:
        export(rows, CsvFormat(), full, lambda _: None)
    until(lambda: database.execute(ACTIVE).fetchall() == [(0,)], WITHIN_SECONDS, "the statement is gone")


class SilentProxy:
    """A way to the server that goes dead on demand, as a pulled cable would: nothing arrives, nothing is refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.port: int = self._listener.getsockname()[1]
        self.dead = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, target), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while (data := source.recv(65536)) and not self.dead.is_set():
                target.sendall(data)

    def close(self) -> None:
        for one in self._sockets:
            one.close()


def test_a_server_that_does_not_answer_to_cancelling_is_hung_up_on(
    postgres_url: str, database: psycopg.Connection[Any]
) -> None:
    url = make_url(postgres_url)
    with closing(SilentProxy(url.host or "127.0.0.1", url.port or 5432)) as proxy:
        through = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        report = Running(open_sources({"SOURCE_SHOP_URL": through})["shop"], "select pg_sleep(600)")
        until(lambda: active(database, "copy"), 10, "the statement runs")
        proxy.dead.set()
        report.stop.set(StopReason.CANCELLED)
        report.wait(WITHIN_SECONDS)
        assert isinstance(report.ended, Stopped)
