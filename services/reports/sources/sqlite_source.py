"""Reads a SQLite file, which is opened read-only."""

import json
import os
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
from bureau.services.reports.output.limits import SourceLimits
from bureau.services.reports.output.rows import Rows, batches_of
from bureau.services.reports.sources import source_errors
from bureau.services.reports.sources.cancellation import cancelling
from bureau.stop_token import StopToken

log = structlog.get_logger(__name__)

_STEPS = 100_000  # instructions of SQLite's virtual machine between two looks at the clock: about a millisecond
_BUSY_SECONDS = 1.0  # a wait for a writer cannot be interrupted, and a cancelled report must end within 2 s


class SqliteSource:
    """Reads with one connection per report, in one transaction."""

    def __init__(self, name: str, path: Path, limits: SourceLimits) -> None:
        self.name = name
        self._path = path
        self.limits = limits

    @contextmanager
    def snapshot(self, stop: StopToken) -> Iterator["SqliteSnapshot"]:
        with self._mapped_errors(), closing(self._connect()) as connection:

            def cancel() -> None:
                with suppress(sqlite3.ProgrammingError):  # it is closed already
                    connection.interrupt()

            with cancelling(stop, cancel):
                connection.execute("begin")
                connection.execute("select count(*) from sqlite_master").fetchall()  # this read fixes the snapshot
                yield SqliteSnapshot(self.name, connection, self.limits.timeout_seconds)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=ro",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # another thread calls interrupt()
        )

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except sqlite3.Error as error:
            log.warning("source failed", source=self.name, error=str(error))
            if self._is_forbidden(error):
                raise source_errors.not_readable(self.name) from None
            raise _task_error(self.name, error, time.monotonic() - started) from None

    def _is_forbidden(self, error: sqlite3.Error) -> bool:
        """Returns whether the file cannot be opened because this process may not read it."""
        if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_CANTOPEN"):
            return False
        try:
            return self._path.exists() and not os.access(self._path, os.R_OK)
        except PermissionError:  # its folder may not be entered
            return True


class SqliteSnapshot:
    """Reads one state of the source in a transaction."""

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
        deadline = time.monotonic() + self._timeout_seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        with closing(self._connection.execute(query.render(lambda name: f":{name}"), bound)) as cursor:
            if cursor.description is None:
                raise source_errors.no_rows(self._source)
            columns = [column[0] for column in cursor.description]
            yield Rows(columns, batches_of(cursor.fetchmany, columns, dialect, limit))

    def expected(self, query: Query, values: Mapping[str, Value]) -> int | None:  # noqa: ARG002 - as other sources
        """Returns None, because SQLite's planner does not show an estimate of rows."""
        return None


def _adapted(value: Value) -> Any:
    """Converts values to types that SQLite has.

    Dates become ISO text, times the UTC text of SQLite's own functions, and a list JSON, for
    `region in (select value from json_each(:regions))`.
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


def _task_error(source: str, error: sqlite3.Error, seconds: float) -> TaskError:
    """Maps SQLite's result codes to task errors: https://www.sqlite.org/rescode.html."""
    code: str = getattr(error, "sqlite_errorname", "")  # only errors of SQLite itself have one
    message = str(error)
    if code.startswith(_UNAVAILABLE):
        return source_errors.unavailable(source)
    if code == "SQLITE_INTERRUPT":
        return source_errors.stopped_by_source(source, seconds)
    if code.startswith("SQLITE_READONLY"):
        return source_errors.would_write(source)
    if code.startswith(("SQLITE_AUTH", "SQLITE_PERM")):
        return source_errors.not_permitted(source)
    if message.startswith("no such table"):
        return source_errors.missing(source, "a table")
    if message.startswith("no such column"):
        return source_errors.missing(source, "a column")
    if message.startswith("no such function"):
        return source_errors.missing(source, "a function")
    if message.startswith("Could not decode to UTF-8"):
        return source_errors.bad_data(source, "text that is not UTF-8")
    if isinstance(error, sqlite3.ProgrammingError) or code == "SQLITE_ERROR":
        return source_errors.bad_query(source)
    return source_errors.failed(source, code)
