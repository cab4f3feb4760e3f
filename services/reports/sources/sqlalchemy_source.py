"""Reads any other database for which SQLAlchemy has a driver, with a streaming cursor.

The role in the URL should be read-only. A stop is noticed only between two batches of rows, because not all drivers can
cancel a statement.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from typing import Any

import structlog
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, exc, text
from sqlalchemy.pool import NullPool

from bureau.contracts.errors import TaskError
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import Query
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.limits import SourceLimits
from bureau.services.reports.output.rows import BATCH_ROWS, RowBatch, Rows, batches_of
from bureau.services.reports.sources import source_errors
from bureau.stop_token import StopToken

log = structlog.get_logger(__name__)

# PEP 249 has no class for it. 28000 and 28P01 are SQLSTATE; the numbers are Oracle's (logon denied, account locked,
# password expired) and SQL Server's.
_LOGIN_REFUSED = re.compile(
    r"\b28000\b|\b28P01\b|ORA-01017|ORA-28000|ORA-28001|\b18456\b|login failed|access denied|authentication failed"
    r"|(?:incorrect|invalid|wrong) (?:username|user name|user|password|credentials)",
    re.IGNORECASE,
)


class SqlAlchemySource:
    """Reads with one connection per report, in a transaction that is rolled back."""

    def __init__(self, name: str, url: SecretStr, limits: SourceLimits) -> None:
        """Imports the driver and does not connect. Raises ImportError, `sqlalchemy.exc.ArgumentError`."""
        self.name = name
        self.limits = limits
        self._engine = create_engine(url.get_secret_value(), poolclass=NullPool, hide_parameters=True)

    @contextmanager
    def snapshot(self, stop: StopToken) -> Iterator["SqlAlchemySnapshot"]:
        with self._mapped_errors(), self._connected() as connection:
            stop.check()
            yield SqlAlchemySnapshot(self.name, connection, stop, self.limits.timeout_seconds)

    def _connected(self) -> Connection:
        try:
            return self._engine.connect()
        except exc.DBAPIError as error:
            if _LOGIN_REFUSED.search(str(error.orig)):
                log.warning("source refused the login", source=self.name, error=type(error).__name__)
                raise source_errors.sign_in_refused(self.name) from None
            raise

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            log.warning("source failed", source=self.name, error=type(error).__name__)
            raise _task_error(self.name, error) from None


class SqlAlchemySnapshot:
    """Reads in a transaction with the database's default isolation, so several queries may see different states."""

    def __init__(self, source: str, connection: Connection, stop: StopToken, timeout_seconds: float) -> None:
        self.taken_at = datetime.now(UTC)
        self._source = source
        self._connection = connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
        self._stop = stop
        self._timeout_seconds = timeout_seconds

    @contextmanager
    def rows(
        self, query: Query, values: Mapping[str, Value], dialect: Dialect, limit: int | None = None
    ) -> Iterator[Rows]:
        statement = text(query.render(lambda name: f":{name}", lambda sql: sql.replace(":", r"\:")))
        started = time.monotonic()
        with closing(
            self._connection.execute(statement, {name: _adapted(value) for name, value in values.items()})
        ) as result:
            if not result.returns_rows:
                raise source_errors.no_rows(self._source)
            columns = list(result.keys())
            batches = batches_of(result.fetchmany, columns, dialect, limit)
            yield Rows(columns, self._until_stopped(batches, started))

    def expected(self, query: Query, values: Mapping[str, Value]) -> int | None:  # noqa: ARG002 - as other sources
        """Returns None, because databases have no common way to ask for an estimate."""
        return None

    def _until_stopped(self, batches: Iterator[RowBatch], started: float) -> Iterator[RowBatch]:
        for batch in batches:
            self._stop.check()
            if (seconds := time.monotonic() - started) > self._timeout_seconds:
                raise source_errors.stopped_by_source(self._source, seconds)
            yield batch


def _adapted(value: Value) -> Any:
    """Converts times to UTC without an offset, which few databases store, and a list to a JSON array."""
    match value:
        case tuple():
            plain = [item.isoformat() if isinstance(item, date) else item for item in map(_adapted, value)]
            return json.dumps(plain, ensure_ascii=False)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None)
        case _:
            return value


def _task_error(source: str, error: exc.SQLAlchemyError) -> TaskError:
    """Maps the DB-API's error classes (PEP 249) to task errors; only these are common to all drivers."""
    match error:
        case exc.OperationalError() | exc.InterfaceError() | exc.TimeoutError() | exc.DisconnectionError():
            return source_errors.unavailable(source)
        case exc.DataError():
            return source_errors.bad_data(source, "a value it cannot work with")
        case exc.ProgrammingError():
            return source_errors.bad_query(source)
        case _:
            return source_errors.failed(source, "")
