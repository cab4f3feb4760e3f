"""Writes rows to a CSV file (RFC 4180, UTF-8) in constant memory, in chunks that may be compressed."""

import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator

from bureau.contracts.artifacts import cut_to_bytes
from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.columns import labels
from bureau.services.reports.output.cells import LineWriter
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import RowBatch, Rows

CHUNK_BYTES = 256 * 1024  # for fewer bytes the overhead of a write dominates
CHUNK_SECONDS = 1.0  # the rows of a slow query are written and counted this often
MAX_NAME_BYTES = 200  # of a file's name without its extension
BOM = b"\xef\xbb\xbf"


def export(
    rows: Rows,
    file_format: CsvFormat,
    write: Callable[[bytes], object],
    progress: Callable[[int], object],
    dialect: Dialect | None = None,
) -> int:
    """Writes a header and all rows; returns the number of rows. It calls `progress` with the rows written so far.

    `dialect` must be the dialect of `rows`; the labels of its columns are the header. Raises `PermanentError`
    (`report_query_invalid`) if it describes a column that the query does not return.
    """
    dialect = dialect or Dialect.of(file_format)
    compressor = (
        zlib.compressobj(wbits=31) if file_format.compression == "gzip" else None
    )  # 31 means gzip, without a timestamp
    header = LineWriter(dialect).line(labels(rows.columns, dialect.columns)) + "\r\n" if file_format.header else ""
    head = RowBatch((BOM if file_format.bom else b"") + header.encode(), 0)
    count = 0
    for chunk in chunks([head], rows.batches):
        write(compressor.compress(chunk.lines) if compressor else chunk.lines)
        count += chunk.rows
        progress(count)
    if compressor:
        write(compressor.flush())
    return count


def chunks(*parts: Iterable[RowBatch]) -> Iterator[RowBatch]:
    """Joins the batches of all `parts` to chunks of about `CHUNK_BYTES`, or of those that came in `CHUNK_SECONDS`."""
    lines: list[bytes] = []
    size = rows = 0
    due = time.monotonic() + CHUNK_SECONDS
    for batch in (batch for part in parts for batch in part):
        lines.append(batch.lines)
        size += len(batch.lines)
        rows += batch.rows
        if size >= CHUNK_BYTES or time.monotonic() >= due:
            yield RowBatch(b"".join(lines), rows)
            lines, size, rows = [], 0, 0
            due = time.monotonic() + CHUNK_SECONDS
    if lines:
        yield RowBatch(b"".join(lines), rows)


def file_name(title: str, params: Iterable[object], file_format: CsvFormat) -> str:
    """Returns a file name made of the report's title and the parts of `name_parts`: `monthly-sales-north.csv`."""
    slug = "-".join(filter(None, map(_slug, (title, *params))))
    stem = cut_to_bytes(slug, MAX_NAME_BYTES).rstrip("-") or "report"
    return stem + (".csv.gz" if file_format.compression == "gzip" else ".csv")


def _slug(value: object) -> str:
    if isinstance(value, list):
        return "-".join(filter(None, map(_slug, value)))
    return re.sub(r"[^\w.]+", "-", str(value).lower()).strip("-.")


def media_type(file_format: CsvFormat) -> str:
    return "application/gzip" if file_format.compression == "gzip" else "text/csv"
