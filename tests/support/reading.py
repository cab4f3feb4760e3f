"""A report's source read in one go, as the tasks read it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bureau.stop_token import StopToken
from services.reports.definition.kinds import Value
from services.reports.definition.query import parse_query
from services.reports.output.dialect import Dialect
from services.reports.output.rows import Rows, Source


@contextmanager
def running(
    source: Source,
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
