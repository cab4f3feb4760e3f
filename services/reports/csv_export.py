"""Rows to a CSV file (RFC 4180, UTF-8), in constant memory: lines are gathered to a chunk, compressed and written."""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator

from bureau.contracts.reports import CsvFormat
from services.reports.cells import LineWriter
from services.reports.rows import Batch, Rows

CHUNK_BYTES = 256 * 1024  # below this a write costs more than its bytes
CHUNK_SECONDS = 1.0  # and a slow query's rows are written, and counted, this often
BOM = b"\xef\xbb\xbf"


def export(rows: Rows, format: CsvFormat, write: Callable[[bytes], object], progress: Callable[[int], object]) -> int:
    """Writes a header and every row; `progress` is told the rows written so far. The number of rows."""
    compressor = zlib.compressobj(wbits=31) if format.compression == "gzip" else None  # 31: gzip, without a time
    header = LineWriter(format.delimiter).line(rows.columns) + "\r\n"
    head = Batch((BOM if format.bom else b"") + header.encode(), 0)
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


def file_name(report: str, format: CsvFormat) -> str:
    return f"{report}.csv.gz" if format.compression == "gzip" else f"{report}.csv"


def media_type(format: CsvFormat) -> str:
    return "application/gzip" if format.compression == "gzip" else "text/csv"
