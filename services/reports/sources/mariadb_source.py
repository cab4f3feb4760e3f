"""Reads MariaDB and MySQL with PyMySQL's unbuffered cursor in a read-only transaction.

PyMySQL is imported only when such a source is created, because it is an extra.
"""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import SecretStr
from sqlalchemy.engine import URL

from bureau.contracts.errors import TaskError
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import Query
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.limits import SourceLimits
from bureau.services.reports.output.rows import Rows, batches_of
from bureau.services.reports.sources import source_errors
from bureau.services.reports.sources.cancellation import cancelling
from bureau.stop_token import StopToken

Connection = Any  # PyMySQL ships no types

log = structlog.get_logger(__name__)

_CONNECT_SECONDS = 5
_CANCEL_SECONDS = 1  # a cancelled report must end within 2 s; after this the connection is cut
_READ_SECONDS = 3600  # without any data; statements have a shorter limit, this one detects a server that vanished


class MariaDbSource:
    """Reads with one connection per report. All rows are from one snapshot: REPEATABLE READ, READ ONLY."""

    def __init__(self, name: str, url: URL, limits: SourceLimits) -> None:
        """Imports PyMySQL and does not connect. Raises ImportError."""
        import pymysql

        self.name = name
        self.limits = limits
        self._password = SecretStr(str(url.password or ""))
        self._error: type[Exception] = pymysql.MySQLError
        query = {key: str(value) for key, value in url.query.items()}
        self._settings: dict[str, Any] = {
            "host": url.host or "127.0.0.1",
            "port": url.port or 3306,
            "user": url.username or "",
            "database": url.database,
            "unix_socket": query.get("unix_socket"),
            "ssl_ca": query.get("ssl_ca"),
            "ssl_verify_cert": "ssl_ca" in query or None,
            "ssl_verify_identity": "ssl_ca" in query or None,
            "charset": "utf8mb4",
            "program_name": "bureau reports",
        }

    @contextmanager
    def snapshot(self, stop: StopToken) -> Iterator["MariaDbSnapshot"]:
        with self._mapped_errors():
            connection = self._connect(_CONNECT_SECONDS, _READ_SECONDS)
            try:
                with cancelling(stop, _Cancel(self, connection)):
                    yield MariaDbSnapshot(self.name, connection, self.limits.timeout_seconds)
            finally:
                _close_abruptly(connection)

    def kill(self, thread_id: int) -> None:
        """Ends the connection `thread_id` on the server. It never raises."""
        with suppress(self._error, OSError):
            other = self._connect(_CANCEL_SECONDS, _CANCEL_SECONDS)
            try:
                with other.cursor() as cursor:
                    cursor.execute("kill %s", [thread_id])
            finally:
                other.close()

    def _connect(self, connect_seconds: int, read_seconds: int) -> Connection:
        import pymysql

        return pymysql.connect(
            **self._settings,
            password=self._password.get_secret_value(),
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
        )

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        except self._error as error:
            code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            # The server's message may quote the query or a value, so it is only for the log.
            log.warning("source failed", source=self.name, code=code, error=str(error))
            raise _task_error(self.name, code, time.monotonic() - started) from None


class MariaDbSnapshot:
    """Reads one state of the source in a transaction. TIMESTAMP columns are shown in UTC."""

    def __init__(self, source: str, connection: Connection, timeout_seconds: float) -> None:
        self._source = source
        self._connection = connection
        with connection.cursor() as cursor:
            cursor.execute("set session transaction isolation level repeatable read, read only")
            cursor.execute("set time_zone = '+00:00'")
            if "mariadb" in connection.get_server_info().lower():
                cursor.execute("set session max_statement_time = %s", [timeout_seconds])
            else:
                cursor.execute("set session max_execution_time = %s", [int(timeout_seconds * 1000)])
            cursor.execute("start transaction with consistent snapshot, read only")
            cursor.execute("select utc_timestamp(6)")
            ((taken_at,),) = cursor.fetchall()
        self.taken_at = taken_at.replace(tzinfo=UTC)

    @contextmanager
    def rows(
        self, query: Query, values: Mapping[str, Value], dialect: Dialect, limit: int | None = None
    ) -> Iterator[Rows]:
        from pymysql.cursors import SSCursor

        cursor = self._connection.cursor(SSCursor)
        try:
            cursor.execute(_rendered(query), _adapted(values))
            if cursor.description is None:
                raise source_errors.no_rows(self._source)
            columns = [column[0] for column in cursor.description]
            yield Rows(columns, batches_of(cursor.fetchmany, columns, dialect, limit))
        except BaseException:
            _abandon(self._connection)
            raise
        if limit is not None:
            _abandon(self._connection)
        else:
            cursor.close()

    def expected(self, query: Query, values: Mapping[str, Value]) -> int | None:
        """Returns the product of the planner's rows of all tables; a grouping or a limit is not counted."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"explain extended {_rendered(query)}", _adapted(values))
            names = [column[0] for column in cursor.description or ()]
            plans = [dict(zip(names, plan, strict=True)) for plan in cursor.fetchall()]
        rows = 1.0
        for plan in plans:
            if plan["select_type"] not in ("SIMPLE", "PRIMARY") or plan["rows"] is None:
                return None
            rows *= int(plan["rows"]) * float(plan.get("filtered") or 100) / 100
        return round(rows)


class _Cancel:
    """Ends the connection on the server, then here, so that no thread waits for rows that do not come."""

    def __init__(self, source: MariaDbSource, connection: Connection) -> None:
        self._source = source
        self._connection = connection
        self._thread_id = connection.thread_id()

    def __call__(self) -> None:
        self._source.kill(self._thread_id)
        _shut_down(self._connection)


def _abandon(connection: Connection) -> None:
    """Drops a result that was not read to its end, because PyMySQL would read all of it first."""
    result = connection._result
    if result is not None:
        result.unbuffered_active = False
        result.connection = None
    _close_abruptly(connection)


def _close_abruptly(connection: Connection) -> None:
    """Closes without a quit message, which the server would not read after a kill or an abandoned result."""
    _shut_down(connection)
    connection._force_close()


def _shut_down(connection: Connection) -> None:
    connection_socket = connection._sock
    if connection_socket is not None:
        with suppress(OSError):
            connection_socket.shutdown(socket.SHUT_RDWR)


def _rendered(query: Query) -> str:
    """Returns the statement in PyMySQL's notation, with the percent signs of the SQL doubled."""
    return query.render(lambda name: f"%({name})s", lambda text: text.replace("%", "%%"))


def _adapted(values: Mapping[str, Value]) -> dict[str, Any]:
    """Converts values: times to UTC without an offset, a list to a JSON array for `json_table(:regions, …)`."""
    return {name: _adapted_value(value) for name, value in values.items()}


def _adapted_value(value: Value) -> Any:
    match value:
        case tuple():
            return json.dumps([_adapted_value(item) for item in value], ensure_ascii=False, default=str)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None)
        case _:
            return value


_PERMANENT = {
    1044: "permission",  # ER_DBACCESS_DENIED_ERROR
    1142: "permission",  # ER_TABLEACCESS_DENIED_ERROR
    1143: "permission",  # ER_COLUMNACCESS_DENIED_ERROR
    1227: "permission",  # ER_SPECIFIC_ACCESS_DENIED_ERROR
    1045: "sign in",  # ER_ACCESS_DENIED_ERROR
    1698: "sign in",  # ER_ACCESS_DENIED_NO_PASSWORD_ERROR
    1130: "sign in",  # ER_HOST_NOT_PRIVILEGED
    1251: "sign in",  # ER_NOT_SUPPORTED_AUTH_MODE
    1820: "sign in",  # ER_MUST_CHANGE_PASSWORD
    1862: "sign in",  # ER_MUST_CHANGE_PASSWORD_LOGIN
    3118: "sign in",  # MySQL's ER_ACCOUNT_HAS_BEEN_LOCKED
    4151: "sign in",  # MariaDB's ER_ACCOUNT_HAS_BEEN_LOCKED
    1049: "sign in",  # ER_BAD_DB_ERROR: the URL names it, because a query that does uses "a table"
    1146: "a table",  # ER_NO_SUCH_TABLE
    1054: "a column",  # ER_BAD_FIELD_ERROR
    1052: "a column",  # ER_NON_UNIQ_ERROR
    1305: "a function",  # ER_SP_DOES_NOT_EXIST
    1064: "syntax",  # ER_PARSE_ERROR
    1792: "writes",  # ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
    1290: "writes",  # ER_OPTION_PREVENTS_STATEMENT
    1365: "data",  # ER_DIVISION_BY_ZERO
}
_STOPPED = (1317, 1969, 3024)  # interrupted; over max_statement_time; over max_execution_time
# Too many connections, out of resources, shutting down, aborted, lock wait, deadlock, killed. Codes from 2000 on are
# errors of the connection.
_UNAVAILABLE = (1040, 1041, 1042, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1927, 1928)


def _task_error(source: str, code: int, seconds: float) -> TaskError:
    """Maps server codes to task errors: https://mariadb.com/kb/en/mariadb-error-code-reference/.

    Code 0 means that the connection is dead.
    """
    if code in _STOPPED:
        return source_errors.stopped_by_source(source, seconds)
    if code == 0 or code in _UNAVAILABLE or 2000 <= code < 3000:
        return source_errors.unavailable(source)
    match _PERMANENT.get(code):
        case "permission":
            return source_errors.not_permitted(source)
        case "sign in":
            return source_errors.sign_in_refused(source)
        case "syntax":
            return source_errors.bad_query(source)
        case "writes":
            return source_errors.would_write(source)
        case "data":
            return source_errors.bad_data(source, "a division by zero")
        case str() as thing:
            return source_errors.missing(source, thing)
        case _:
            return source_errors.failed(source, str(code))
