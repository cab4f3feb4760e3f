"""`reports.generate`: a report of the catalog to a CSV file."""

import time
from collections.abc import Mapping

from bureau.contracts.reports import GenerateReport, ReportGenerated
from bureau.task import Context
from services.reports.catalog import ReportCatalog
from services.reports.csv_export import export, file_name, media_type
from services.reports.metrics import ROWS
from services.reports.parameters import read_params
from services.reports.rows import Source


class ReportTasks:
    """The task over the reports and sources of this process."""

    def __init__(self, catalog: ReportCatalog, sources: Mapping[str, Source]) -> None:
        """Every report of `catalog` is on one of `sources`."""
        self._catalog = catalog
        self._sources = sources

    def generate(self, ctx: Context, request: GenerateReport) -> ReportGenerated:
        """Runs a report of the catalog and writes its rows to a CSV file."""
        started = time.monotonic()
        report = self._catalog.find(request.report)
        values = read_params(report.parameters, request.params)
        source = self._sources[report.source]
        ctx.log(f"Reading {report.title} from {report.source}")
        name = file_name(report.name, request.format)
        with (
            ctx.artifact(name, media_type(request.format)) as file,
            source.read(report.query, values, request.format.delimiter, ctx.stop) as rows,
        ):
            count = export(rows, request.format, file.write, lambda done: ctx.progress(done, None, "rows"))
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
            columns=rows.columns,
            snapshot_at=rows.snapshot_at,
            duration_seconds=round(seconds, 3),
        )
