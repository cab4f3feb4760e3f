"""Reads a report's source in one go, as the tasks read it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import parse_query
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import Rows, RowSource
from bureau.stop_token import StopToken


@contextmanager
def running(
    source: RowSource,
    sql: str,
    values: Mapping[str, Value] | None = None,
    dialect: Dialect | None = None,
    stop: StopToken | None = None,
    limit: int | None = None,
) -> Iterator[Rows]:
    """The rows of one query in a snapshot of its own."""
    with (
        source.snapshot(stop or StopToken()) as snapshot,
        snapshot.rows(parse_query(sql), values or {}, dialect or Dialect(), limit) as rows,
    ):
        yield rows
