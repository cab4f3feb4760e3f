"""Rows to a CSV file (RFC 4180, UTF-8), in constant memory: lines are gathered to a chunk, compressed and written."""

import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator

from bureau.contracts.artifacts import cut_to_bytes
from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.columns import labels
from bureau.services.reports.output.cells import LineWriter
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import Batch, Rows

CHUNK_BYTES = 256 * 1024  # below this a write costs more than its bytes
CHUNK_SECONDS = 1.0  # and a slow query's rows are written, and counted, this often
MAX_NAME_BYTES = 200  # of a file's name, without its ending
BOM = b"\xef\xbb\xbf"


def export(
    rows: Rows,
    form: CsvFormat,
    write: Callable[[bytes], object],
    progress: Callable[[int], object],
    dialect: Dialect | None = None,
) -> int:
    """Writes a header and every row; `progress` is told the rows written so far. The number of rows.

    `dialect` is what `rows` were asked for with; its columns' labels are the header. Raises `PermanentError` where it
    describes a column that is not there.
    """
    dialect = dialect or Dialect.of(form)
    compressor = zlib.compressobj(wbits=31) if form.compression == "gzip" else None  # 31: gzip, without a time
    header = LineWriter(dialect).line(labels(rows.columns, dialect.columns)) + "\r\n" if form.header else ""
    head = Batch((BOM if form.bom else b"") + header.encode(), 0)
    count = 0
    for chunk in chunks([head], rows.batches):
        write(compressor.compress(chunk.lines) if compressor else chunk.lines)
        count += chunk.rows
        progress(count)
    if compressor:
        write(compressor.flush())
    return count


def chunks(*parts: Iterable[Batch]) -> Iterator[Batch]:
    """The batches of all `parts` joined to chunks of about `CHUNK_BYTES`, or of what came in `CHUNK_SECONDS`."""
    lines: list[bytes] = []
    size = rows = 0
    due = time.monotonic() + CHUNK_SECONDS
    for batch in (batch for part in parts for batch in part):
        lines.append(batch.lines)
        size += len(batch.lines)
        rows += batch.rows
        if size >= CHUNK_BYTES or time.monotonic() >= due:
            yield Batch(b"".join(lines), rows)
            lines, size, rows = [], 0, 0
            due = time.monotonic() + CHUNK_SECONDS
    if lines:
        yield Batch(b"".join(lines), rows)


def file_name(title: str, given: Iterable[object], form: CsvFormat) -> str:
    """Of the report's title and the values of the parameters that were given: `monthly-sales-north.csv`."""
    words = "-".join(filter(None, map(_slug, (title, *given))))
    return (cut_to_bytes(words, MAX_NAME_BYTES).rstrip("-") or "report") + (
        ".csv.gz" if form.compression == "gzip" else ".csv"
    )


def _slug(value: object) -> str:
    if isinstance(value, list):
        return "-".join(filter(None, map(_slug, value)))
    return re.sub(r"[^\w.]+", "-", str(value).lower()).strip("-.")


def media_type(form: CsvFormat) -> str:
    return "application/gzip" if form.compression == "gzip" else "text/csv"
