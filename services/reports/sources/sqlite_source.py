"""A SQLite file as a source, opened read-only."""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from bureau.contracts.errors import TaskError
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import Query
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.limits import Limits
from bureau.services.reports.output.rows import Rows, batches_of
from bureau.services.reports.sources import source_errors
from bureau.services.reports.sources.cancellation import cancelling
from bureau.stop_token import StopToken

log = structlog.get_logger(__name__)

_STEPS = 100_000  # of SQLite's machine between two looks at the clock: a millisecond or so
_BUSY_SECONDS = 1.0  # waiting for a writer cannot be interrupted, and a cancelled report ends within 2 s


class SqliteSource:
    """Reads with one connection a report, in one transaction."""

    def __init__(self, name: str, path: Path, limits: Limits) -> None:
        self.name = name
        self._path = path
        self.limits = limits

    @contextmanager
    def snapshot(self, stop: StopToken) -> Iterator["SqliteSnapshot"]:
        with self._explained(), closing(self._connect()) as connection:

            def cancel() -> None:
                with suppress(sqlite3.ProgrammingError):  # closed already
                    connection.interrupt()

            with cancelling(stop, cancel):
                connection.execute("begin")
                connection.execute("select count(*) from sqlite_master").fetchall()  # from here on it is one state
                yield SqliteSnapshot(self.name, connection, self.limits.timeout_seconds)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=ro",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # another thread interrupts
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except sqlite3.Error as error:
            log.warning("source failed", source=self.name, error=str(error))
            raise _explanation(self.name, error, time.monotonic() - started) from None


class SqliteSnapshot:
    """A transaction that reads."""

    def __init__(self, source: str, connection: sqlite3.Connection, timeout_seconds: float) -> None:
        self.taken_at = datetime.now(UTC)
        self._source = source
        self._connection = connection
        self._timeout_seconds = timeout_seconds

    @contextmanager
    def rows(
        self, query: Query, values: Mapping[str, Value], dialect: Dialect, limit: int | None = None
    ) -> Iterator[Rows]:
        bound = {name: _adapted(value) for name, value in values.items()}
        ends = time.monotonic() + self._timeout_seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        with closing(self._connection.execute(query.render(lambda name: f":{name}"), bound)) as cursor:
            if cursor.description is None:
                raise source_errors.no_rows(self._source)
            columns = [column[0] for column in cursor.description]
            yield Rows(columns, batches_of(cursor.fetchmany, columns, dialect, limit))

    def expected(self, query: Query, values: Mapping[str, Value]) -> int | None:  # noqa: ARG002 - as other sources
        """SQLite's planner tells nobody how many rows it expects."""
        return None


def _adapted(value: Value) -> Any:
    """SQLite knows no dates and no lists: ISO text, times in UTC as its own functions write them, and JSON.

    A list is read by `region in (select value from json_each(:regions))`.
    """
    match value:
        case tuple():
            return json.dumps([_adapted(item) for item in value], ensure_ascii=False)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
        case date():
            return value.isoformat()
        case _:
            return value


_UNAVAILABLE = ("SQLITE_CANTOPEN", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_PROTOCOL")


def _explanation(source: str, error: sqlite3.Error, seconds: float) -> TaskError:
    """SQLite's result codes to words: https://www.sqlite.org/rescode.html."""
    code: str = getattr(error, "sqlite_errorname", "")  # only what SQLite itself raised has one
    said = str(error)
    if code.startswith(_UNAVAILABLE):
        return source_errors.unavailable(source)
    if code == "SQLITE_INTERRUPT":
        return source_errors.stopped_by_source(source, seconds)
    if code.startswith("SQLITE_READONLY"):
        return source_errors.would_write(source)
    if code.startswith(("SQLITE_AUTH", "SQLITE_PERM")):
        return source_errors.not_permitted(source)
    if said.startswith("no such table"):
        return source_errors.missing(source, "a table")
    if said.startswith("no such column"):
        return source_errors.missing(source, "a column")
    if said.startswith("no such function"):
        return source_errors.missing(source, "a function")
    if said.startswith("Could not decode to UTF-8"):
        return source_errors.bad_data(source, "text that is not UTF-8")
    if isinstance(error, sqlite3.ProgrammingError) or code == "SQLITE_ERROR":
        return source_errors.bad_query(source)
    return source_errors.failed(source, code)
