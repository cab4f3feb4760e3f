"""What a source hands out: rows already written as lines of CSV, in batches, while the query runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.query import Query
from bureau.services.reports.output.cells import LineWriter
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.limits import Limits
from bureau.stop_token import StopToken

BATCH_ROWS = 128  # few enough that a slow query shows its progress, enough that joining costs nothing


class Batch(NamedTuple):
    """`lines` is UTF-8, each row's line ended by CRLF."""

    lines: bytes
    rows: int


@dataclass(frozen=True)
class Rows:
    """A running query. `columns` are the query's own names.

    `batches` ends with the rows; reading it may raise a `TaskError` of the source.
    """

    columns: list[str]
    batches: Iterator[Batch]


class Snapshot(Protocol):
    """One state of a source: every query sees the data as of `taken_at`."""

    @property
    def taken_at(self) -> datetime: ...

    def rows(
        self, query: Query, values: Mapping[str, Value], dialect: Dialect, limit: int | None = None
    ) -> AbstractContextManager[Rows]:
        """Runs `query` with `values` bound, one at a time; of its rows at most `limit`."""
        ...

    def expected(self, query: Query, values: Mapping[str, Value]) -> int | None:
        """How many rows the source's planner expects of `query`; None where it says nothing."""
        ...


class RowSource(Protocol):
    """A database that reports read, and only read."""

    @property
    def name(self) -> str: ...

    @property
    def limits(self) -> Limits: ...

    def snapshot(self, stop: StopToken) -> AbstractContextManager[Snapshot]:
        """A connection for the block. Setting `stop` ends the statement at the source, and then the block with
        `Stopped`.

        Raises, also from what is done with the snapshot, `TransientError` (`source_unavailable`) where the source
        cannot be reached and `PermanentError` where it refuses the query.
        """
        ...


def batches_of(
    fetch: Callable[[int], Sequence[Sequence[Any]]], columns: Sequence[str], dialect: Dialect, limit: int | None = None
) -> Iterator[Batch]:
    """The rows that a cursor's `fetchmany` gives, written as CSV; at most `limit` of them."""
    line = LineWriter(dialect, columns).line
    left = limit
    while left != 0 and (records := fetch(BATCH_ROWS if left is None else min(left, BATCH_ROWS))):
        left = None if left is None else left - len(records)
        lines = "".join([f"{line(record)}\r\n" for record in records])
        yield Batch(lines.encode("utf-8", "replace"), len(records))
