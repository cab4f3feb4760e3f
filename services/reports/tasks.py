"""Runs reports of the catalog: `reports.generate` and `reports.burst` write files, `reports.preview` the first rows."""

import csv
import io
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from bureau.contracts.errors import PermanentError
from bureau.contracts.reports import (
    BurstReport,
    CsvFormat,
    GenerateReport,
    PreviewReport,
    ReportBurst,
    ReportGenerated,
    ReportPreview,
)
from bureau.services.reports.definition.catalog import ReportCatalog
from bureau.services.reports.definition.columns import labels
from bureau.services.reports.definition.kinds import Value
from bureau.services.reports.definition.parameters import name_parts, plain, read_params
from bureau.services.reports.definition.report import Report
from bureau.services.reports.estimate import Estimate
from bureau.services.reports.metrics import ROWS
from bureau.services.reports.output.csv_export import export, file_name, media_type
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import Rows, RowSource, Snapshot
from bureau.services.reports.sources.concurrency import SourceConcurrency
from bureau.task import Context

PREVIEW_ROWS = 50
PREVIEW_CELL = 1000  # characters
PREVIEW_BYTES = 32 * 1024 * 1024  # of the rows that are read for it
LARGEST_CELL = 2**31 - 1


@dataclass(frozen=True)
class FileLayout:
    """Says how each file of a request is written: the report's own format, with what the request asks for in place."""

    file_format: CsvFormat
    dialect: Dialect

    @classmethod
    def of(cls, report: Report, requested: CsvFormat) -> "FileLayout":
        file_format = requested.over(report.format)
        dialect = Dialect.of(file_format, neutralise=report.neutralise, columns=report.columns, zone=report.zone)
        return cls(file_format, dialect)


class ReportTasks:
    """Holds the tasks that run the reports of this process on its sources."""

    def __init__(
        self, catalog: ReportCatalog, sources: Mapping[str, RowSource], concurrency: SourceConcurrency, zone: ZoneInfo
    ) -> None:
        """Every report of `catalog` must use one of `sources`; `zone` applies to reports that name none."""
        self._catalog = catalog
        self._sources = sources
        self._concurrency = concurrency
        self._zone = zone

    def generate(self, ctx: Context, request: GenerateReport) -> ReportGenerated:
        """Runs a report of the catalog and writes its rows to a CSV file."""
        report = self._catalog.find(request.report)
        layout, values = FileLayout.of(report, request.format), self._values(report, request.params)
        ctx.log(f"Reading {report.title} from {report.source}")
        with self._snapshot(ctx, report) as snapshot:
            return _write(ctx, snapshot, report, layout, self._parts(report, request.params, values), values)

    def burst(self, ctx: Context, request: BurstReport) -> ReportBurst:
        """Runs a report once for each value of a parameter, all from one snapshot, and writes a CSV file for each."""
        report = self._catalog.find(request.report)
        requested = [{**request.params, request.parameter: value} for value in request.values]
        layout, bound = FileLayout.of(report, request.format), [self._values(report, params) for params in requested]
        ctx.log(f"Reading {report.title} from {report.source}, a file for each of {len(requested)} {request.parameter}")
        with self._snapshot(ctx, report) as snapshot:
            files = [
                _write(ctx, snapshot, report, layout, self._parts(report, params, values), values)
                for params, values in zip(requested, bound, strict=True)
            ]
        return ReportBurst(files=files)

    def preview(self, ctx: Context, request: PreviewReport) -> ReportPreview:
        """Runs a report and returns its first 50 rows."""
        started = time.monotonic()
        report = self._catalog.find(request.report)
        values = self._values(report, request.params)
        layout = FileLayout.of(report, request.format)
        # No text in the data equals this null text, so NULL can be distinguished.
        dialect = replace(layout.dialect, delimiter=",", null_text=f"null {uuid4()}")
        with (
            self._snapshot(ctx, report) as snapshot,
            snapshot.rows(report.query, values, dialect, PREVIEW_ROWS + 1) as rows,
        ):
            names = labels(rows.columns, dialect.columns)
            text = b"".join(_limited(rows)).decode()
        cells = [[_cell(cell, dialect) for cell in line] for line in _lines(text, len(names))]
        return ReportPreview(
            report=report.name,
            title=report.title,
            columns=names,
            rows=cells[:PREVIEW_ROWS],
            more=len(cells) > PREVIEW_ROWS,
            params=_as_params(values),
            snapshot_at=snapshot.taken_at,
            duration_seconds=round(time.monotonic() - started, 3),
        )

    @contextmanager
    def _snapshot(self, ctx: Context, report: Report) -> Iterator[Snapshot]:
        source = self._sources[report.source]
        with (
            self._concurrency.taken(ctx, source.name, source.limits.at_a_time),
            source.snapshot(ctx.stop) as snapshot,
        ):
            yield snapshot

    def _values(self, report: Report, params: Mapping[str, Any]) -> dict[str, Value]:
        return read_params(report.parameters, params, datetime.now(report.zone or self._zone))

    def _parts(self, report: Report, params: Mapping[str, Any], values: Mapping[str, Value]) -> Iterator[object]:
        return name_parts(report.parameters, params, values, report.zone or self._zone)


def _write(
    ctx: Context,
    snapshot: Snapshot,
    report: Report,
    layout: FileLayout,
    parts: Iterable[object],
    values: Mapping[str, Value],
) -> ReportGenerated:
    """Writes a file, which is named after the report and `parts`."""
    started = time.monotonic()
    file_format, dialect = layout.file_format, layout.dialect
    estimate = Estimate(snapshot.expected(report.query, values))
    with (
        ctx.artifact(file_name(report.title, parts, file_format), media_type(file_format)) as file,
        snapshot.rows(report.query, values, dialect) as rows,
    ):
        names = labels(rows.columns, dialect.columns)
        count = export(
            rows, file_format, file.write, lambda done: ctx.progress(done, estimate.total(done), "rows"), dialect
        )
    ctx.progress(count, count, "rows")
    ROWS.labels(report.name).inc(count)
    seconds = time.monotonic() - started
    ctx.log(f"Wrote {count:,} rows, {file.size:,} bytes, in {seconds:.1f} s")
    return ReportGenerated(
        artifact=file.ref,
        report=report.name,
        title=report.title,
        rows=count,
        bytes=file.size,
        sha256=file.sha256,
        columns=names,
        snapshot_at=snapshot.taken_at,
        duration_seconds=round(seconds, 3),
        params=_as_params(values),
    )


def _as_params(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: plain(value) for name, value in values.items() if value is not None}


def _limited(rows: Rows) -> Iterator[bytes]:
    """Yields the lines of a preview. Raises `PermanentError` if they are more than a preview may hold in memory."""
    size_bytes = 0
    for batch in rows.batches:
        size_bytes += len(batch.lines)
        if size_bytes > PREVIEW_BYTES:
            raise PermanentError(
                "preview_too_large",
                f"The first rows have more than {PREVIEW_BYTES:,} bytes; request the report itself, which is a file.",
            )
        yield batch.lines


def _lines(text: str, columns: int) -> list[list[str]]:
    """Parses CSV lines. Python's csv reads a line with one empty cell as no cells, so these are restored."""
    csv.field_size_limit(LARGEST_CELL)  # csv's default of 131,072 characters can only be changed for the whole process
    return [line or [""] * columns for line in csv.reader(io.StringIO(text, newline=""))]


def _cell(text: str, dialect: Dialect) -> str | None:
    if text == dialect.null_text:
        return None
    return text if len(text) <= PREVIEW_CELL else f"{text[:PREVIEW_CELL]}…"
