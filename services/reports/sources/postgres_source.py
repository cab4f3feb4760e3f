"""Reads PostgreSQL with `COPY` in a read-only transaction, which is the fastest way and takes constant memory."""

import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import structlog
from psycopg import ClientCursor, Connection, Copy, IsolationLevel, errors
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.generators import fetch_many
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.waiting import Wait
from pydantic import SecretStr

from bureau.contracts.errors import TaskError
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import Query
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.limits import SourceLimits
from bureau.services.reports.output.rows import BATCH_ROWS, RowBatch, Rows
from bureau.services.reports.sources import source_errors
from bureau.services.reports.sources.cancellation import cancelling
from bureau.services.reports.sources.postgres_copy import CopyColumn, copy_statement
from bureau.stop_token import StopToken

log = structlog.get_logger(__name__)

# A source that vanished silently is noticed after a minute; the URL's own settings win.
_CONNECTION = {
    "application_name": "bureau reports",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "client_encoding": "UTF8",
}
# These settings make values read back equal. The time zone stays the source's; each timestamptz shows its offset.
_SESSION = (
    "select transaction_timestamp(), set_config('DateStyle', 'ISO', true), set_config('bytea_output', 'hex', true),"
    " set_config('extra_float_digits', '1', true), set_config('IntervalStyle', 'postgres', true),"
    # The source's own limit applies if it is shorter; it is in milliseconds, and 0 means none.
    " (select set_config('statement_timeout', least(nullif(setting::bigint, 0), %(timeout)s)::text, true)"
    "  from pg_settings where name = 'statement_timeout')"
)
# libpq has no code for a refused login, only the server's message, which is in the server's language. "Authentication"
# begins alike in most of them; of the other reasons only the English words are known.
_LOGIN_REFUSED = re.compile(
    r"aut(?:h|)enti|аутентифи|認証|认证|身份验证|no password supplied|is not permitted to log in|no pg_hba\.conf entry"
    r'|permission denied for database|(?:role|database) ".*" does not exist',
    re.IGNORECASE,
)
_GIVE_UP_SECONDS = 1.0  # after this the connection to a server that does not react to a cancel is cut


class PostgresSource:
    """Reads with one connection per report. All rows are from one snapshot: REPEATABLE READ, READ ONLY."""

    def __init__(self, name: str, url: SecretStr, limits: SourceLimits) -> None:
        self.name = name
        self._url = url
        self.limits = limits

    @contextmanager
    def snapshot(self, stop: StopToken) -> Iterator["PostgresSnapshot"]:
        with (
            self._mapped_errors(),
            closing(self._connect()) as connection,
            cancelling(stop, _Cancel(connection)),
        ):
            yield PostgresSnapshot(self.name, connection, self.limits.timeout_seconds)

    def _connect(self) -> Connection[Any]:
        settings: dict[str, Any] = {**_CONNECTION, **conninfo_to_dict(self._url.get_secret_value())}
        try:
            connection = psycopg.connect(**settings)
        except psycopg.OperationalError as error:
            log.warning("source cannot be reached", source=self.name, error=str(error))
            if _LOGIN_REFUSED.search(str(error)):
                raise source_errors.sign_in_refused(self.name) from None
            raise source_errors.unavailable(self.name) from None
        connection.read_only = True
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        return connection

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except psycopg.Error as error:
            # The server's first line is only for the log: it may quote the query or a value, but never the URL.
            log.warning("source failed", source=self.name, sqlstate=error.sqlstate, error=error.diag.message_primary)
            raise _task_error(self.name, error, time.monotonic() - started) from None


class PostgresSnapshot:
    """Reads in a transaction. `taken_at` is its start; its first query, milliseconds later, fixes the state it sees."""

    def __init__(self, source: str, connection: Connection[Any], timeout_seconds: float) -> None:
        self._source = source
        self._connection = connection
        self._cursor = ClientCursor(connection)
        settings_row = self._cursor.execute(_SESSION, {"timeout": round(timeout_seconds * 1000)}).fetchall()
        self.taken_at = cast(datetime, settings_row[0][0]).astimezone(UTC)

    @contextmanager
    def rows(
        self, query: Query, values: Mapping[str, Value], dialect: Dialect, limit: int | None = None
    ) -> Iterator[Rows]:
        cursor = self._cursor
        if dialect.zone:
            cursor.execute("select set_config('TimeZone', %s, true)", [dialect.zone.key])
        bound = self._bound(query, values)
        # This is planned but not run, for the names and types of the columns.
        cursor.execute(f"select * from (\n{bound}\n) as report limit 0".encode())  # noqa: S608 - values are bound
        columns = [CopyColumn(column.name, column.type_code) for column in cursor.description or []]
        encoding = self._connection.info.parameter_status("server_encoding") or ""
        statement = copy_statement(self._source, bound, columns, dialect, encoding, limit)
        with cursor.copy(statement.encode()) as copy:
            yield Rows([column.name for column in columns], _batches(copy))

    def expected(self, query: Query, values: Mapping[str, Value]) -> int | None:
        (plan,) = self._cursor.execute(f"explain (format json) {self._bound(query, values)}".encode()).fetchall()[0]
        return int(plan[0]["Plan"]["Plan Rows"])

    def _bound(self, query: Query, values: Mapping[str, Value]) -> str:
        return self._cursor.mogrify(_with_client_binding(query), _adapted(values))


class _Cancel:
    """Cancels the connection's statement; if the server does not react, it cuts the connection."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._first_cancel_at: float | None = None

    def __call__(self) -> None:
        self._first_cancel_at = self._first_cancel_at or time.monotonic()
        # OSError and ValueError mean that the connection is closed already.
        with suppress(psycopg.Error, OSError, ValueError):
            if time.monotonic() < self._first_cancel_at + _GIVE_UP_SECONDS:
                self._connection.cancel_safe(timeout=1)
            else:
                with socket.socket(fileno=os.dup(self._connection.fileno())) as connection_socket:
                    connection_socket.shutdown(socket.SHUT_RDWR)


def _with_client_binding(query: Query) -> bytes:
    """Returns the statement in psycopg's notation, with the percent signs of the SQL doubled."""
    return query.render(lambda name: f"%({name})s", lambda text: text.replace("%", "%%")).encode()


def _adapted(values: Mapping[str, Value]) -> dict[str, Any]:
    """Converts a list to an array for `region = any(:regions)`; psycopg binds other values unchanged."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _batches(copy: Copy) -> Iterator[RowBatch]:
    """Yields batches of rows with CRLF, as RFC 4180 requires; PostgreSQL sends one message per row, ended by LF."""
    while lines := copy.connection.wait(_received(copy.connection.pgconn)):
        yield RowBatch(b"\r\n".join((*lines, b"")), len(lines))
        if len(lines) < BATCH_ROWS and copy.connection.info.transaction_status != TransactionStatus.ACTIVE:
            return


def _received(pgconn: PGconn) -> PQGen[list[memoryview]]:
    """Returns the rows that have arrived: at least one, at most `BATCH_ROWS`, none at the end.

    It works as psycopg's own `Copy.read`. That returns one row per call, which would take half of the time of a report
    with many rows.
    """
    lines: list[memoryview] = []
    while len(lines) < BATCH_ROWS:
        size, row = pgconn.get_copy_data(1)
        if size > 0:
            lines.append(row[:-1])
        elif size == 0 and lines:
            break
        elif size == 0:
            while not (yield Wait.R):  # psycopg returns now and then, so that signals are handled
                pass
            pgconn.consume_input()
        else:
            (result,) = yield from fetch_many(pgconn)
            if result.status != ExecStatus.COMMAND_OK:
                raise errors.error_from_result(result)
            break
    return lines


_UNAVAILABLE = ("08", "40", "53", "55P03", "57", "58")  # connection, rollback, resources, a lock, operator, system


def _task_error(source: str, error: psycopg.Error, seconds: float) -> TaskError:
    """Maps SQLSTATE to task errors: https://www.postgresql.org/docs/current/errcodes-appendix.html."""
    match error:
        case errors.QueryCanceled():
            return source_errors.stopped_by_source(source, seconds)
        case errors.UndefinedTable() | errors.InvalidSchemaName():
            return source_errors.missing(source, "a table")
        case errors.UndefinedColumn() | errors.AmbiguousColumn():
            return source_errors.missing(source, "a column")
        case errors.UndefinedFunction():
            return source_errors.missing(source, "a function or operator")
        case errors.InsufficientPrivilege():
            return source_errors.not_permitted(source)
        case errors.ReadOnlySqlTransaction():
            return source_errors.would_write(source)
        case errors.DivisionByZero():
            return source_errors.bad_data(source, "a division by zero")
    state = error.sqlstate or (
        "08" if isinstance(error, psycopg.OperationalError) else ""
    )  # no code: the connection is dead
    if state.startswith(_UNAVAILABLE):
        return source_errors.unavailable(source)
    if state.startswith("22"):
        return source_errors.bad_data(source, f"a value it cannot work with (code {state})")
    if state.startswith("42"):
        return source_errors.bad_query(source)
    return source_errors.failed(source, state)
