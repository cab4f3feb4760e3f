"""What a source hands out: rows already written as lines of CSV, in batches, while the query runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from bureau.stopping import StopToken
from services.reports.cells import LineWriter
from services.reports.kinds import Value
from services.reports.query import Query

BATCH_ROWS = 128  # few enough that a slow query shows its progress, enough that joining costs nothing


class Batch(NamedTuple):
    """`lines` is UTF-8, each row's line ended by CRLF."""

    lines: bytes
    rows: int


@dataclass(frozen=True)
class Rows:
    """A running query. `batches` ends with the rows; reading it may raise a `TaskError` of the source."""

    columns: list[str]
    snapshot_at: datetime  # the rows are the source's state at this time
    batches: Iterator[Batch]


class Source(Protocol):
    """A database that reports read, and only read."""

    @property
    def name(self) -> str: ...

    def read(
        self, query: Query, values: Mapping[str, Value], delimiter: str, stop: StopToken
    ) -> AbstractContextManager[Rows]:
        """Runs `query` with `values` bound; setting `stop` ends the statement at the source, and then the block
        with `Stopped`.

        Raises `TransientError` (`source_unavailable`) where the source cannot be reached, `PermanentError` where
        it refuses the query.
        """
        ...


def batches_of(fetch: Callable[[int], Sequence[Sequence[Any]]], delimiter: str) -> Iterator[Batch]:
    """The rows that a cursor's `fetchmany` gives, written as CSV."""
    line = LineWriter(delimiter).line
    while records := fetch(BATCH_ROWS):
        lines = "".join([f"{line(record)}\r\n" for record in records])
        yield Batch(lines.encode("utf-8", "replace"), len(records))
