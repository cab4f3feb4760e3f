"""Defines the interface of sources, which yield rows as lines of CSV, in batches, while the query runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import Query
from bureau.services.reports.output.cells import LineWriter
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.limits import SourceLimits
from bureau.stop_token import StopToken

BATCH_ROWS = 128  # few enough to show a slow query's progress, enough to make joining cheap


class RowBatch(NamedTuple):
    """Holds lines in UTF-8; each row's line ends in CRLF."""

    lines: bytes
    rows: int


@dataclass(frozen=True)
class Rows:
    """Represents a running query. `columns` are the query's own names.

    `batches` ends after the last row; reading it may raise a `TaskError` of the source.
    """

    columns: list[str]
    batches: Iterator[RowBatch]


class Snapshot(Protocol):
    """Defines the interface of a snapshot: every query sees the data as of `taken_at`."""

    @property
    def taken_at(self) -> datetime: ...

    def rows(
        self, query: Query, values: Mapping[str, Value], dialect: Dialect, limit: int | None = None
    ) -> AbstractContextManager[Rows]:
        """Runs `query` with `values` bound and yields at most `limit` rows. Only one query may run at a time."""
        ...

    def expected(self, query: Query, values: Mapping[str, Value]) -> int | None:
        """Returns the planner's estimate of the rows of `query`; None if there is none."""
        ...


class RowSource(Protocol):
    """Defines the interface of a database that reports read; they never write."""

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> SourceLimits: ...

    def snapshot(self, stop: StopToken) -> AbstractContextManager[Snapshot]:
        """Opens a connection for the block. Setting `stop` ends the statement, and then the block with `Stopped`.

        Operations on the snapshot raise too: `TransientError` (`source_unavailable`) if the source cannot be reached,
        `PermanentError` if it refuses the query.
        """
        ...


def batches_of(
    fetch: Callable[[int], Sequence[Sequence[Any]]], columns: Sequence[str], dialect: Dialect, limit: int | None = None
) -> Iterator[RowBatch]:
    """Yields the rows of a cursor's `fetchmany` as CSV, at most `limit` of them."""
    line = LineWriter(dialect, columns).line
    left = limit
    while left != 0 and (records := fetch(BATCH_ROWS if left is None else min(left, BATCH_ROWS))):
        left = None if left is None else left - len(records)
        lines = "".join([f"{line(record)}\r\n" for record in records])
        yield RowBatch(lines.encode("utf-8", "replace"), len(records))
