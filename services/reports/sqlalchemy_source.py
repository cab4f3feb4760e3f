"""Any other database that SQLAlchemy has a driver for, read through a streaming cursor.

Read-only is up to the role in the URL. A stop is noticed between two batches of rows: there is no cancelling that
all drivers have.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import structlog
from pydantic import SecretStr
from sqlalchemy import create_engine, exc, text
from sqlalchemy.pool import NullPool

from bureau.contracts.errors import TaskError
from bureau.stopping import StopToken
from services.reports import source_errors
from services.reports.kinds import Value
from services.reports.query import Query
from services.reports.rows import BATCH_ROWS, Batch, Rows, batches_of

log = structlog.get_logger(__name__)


class SqlAlchemySource:
    """Reads with one connection a report, in a transaction that is rolled back."""

    def __init__(self, name: str, url: SecretStr) -> None:
        """Imports the driver (ImportError, `sqlalchemy.exc.ArgumentError`); connects to nothing."""
        self.name = name
        self._engine = create_engine(url.get_secret_value(), poolclass=NullPool, hide_parameters=True)

    @contextmanager
    def read(self, query: Query, values: Mapping[str, Value], delimiter: str, stop: StopToken) -> Iterator[Rows]:
        statement = text(query.render(lambda name: f":{name}", lambda sql: sql.replace(":", r"\:")))
        with self._explained(), self._engine.connect() as connection:
            streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
            stop.check()
            snapshot_at = datetime.now(UTC)
            result = streaming.execute(statement, {name: _adapted(value) for name, value in values.items()})
            if not result.returns_rows:
                raise source_errors.no_rows(self.name)
            batches = batches_of(result.fetchmany, delimiter)
            yield Rows(list(result.keys()), snapshot_at, _until_stopped(batches, stop))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            log.warning("source failed", source=self.name, error=type(error).__name__)
            raise _explanation(self.name, error) from None


def _until_stopped(batches: Iterator[Batch], stop: StopToken) -> Iterator[Batch]:
    for batch in batches:
        stop.check()
        yield batch


def _adapted(value: Value) -> Any:
    """Dates as they are, times in UTC without an offset (few databases store one), a list as a JSON array."""
    match value:
        case tuple():
            plain = [item.isoformat() if isinstance(item, date) else item for item in map(_adapted, value)]
            return json.dumps(plain, ensure_ascii=False)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None)
        case _:
            return value


def _explanation(source: str, error: exc.SQLAlchemyError) -> TaskError:
    """Drivers differ in which error they raise for what; DB-API's classes (PEP 249) are what they share."""
    match error:
        case exc.OperationalError() | exc.InterfaceError() | exc.TimeoutError() | exc.DisconnectionError():
            return source_errors.unavailable(source)
        case exc.DataError():
            return source_errors.bad_data(source, "a value it cannot work with")
        case exc.ProgrammingError():
            return source_errors.bad_query(source)
        case _:
            return source_errors.failed(source, "")
