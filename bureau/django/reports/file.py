"""Writes the rows of a queryset to a CSV file, as the reports service does, in constant memory."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bureau.contracts.reports import CsvFormat, ReportGenerated
from bureau.django.reports.reading import Reading, reading
from bureau.services.reports.definition.columns import labels, read_column
from bureau.services.reports.output.csv_export import export, file_name, media_type
from bureau.services.reports.output.dialect import Dialect
from bureau.services.reports.output.rows import Rows, batches_of
from bureau.task import Context


class ReportFile:
    """Describes the file of a report. Raises `InvalidColumns`, and pydantic's ValidationError for a wrong format."""

    def __init__(
        self, title: str, name: str, columns: Mapping[str, Mapping[str, str]], format: Mapping[str, Any]
    ) -> None:
        self._title = title
        self._name = name
        self._format = CsvFormat.model_validate(dict(format))
        shown = {column: read_column(column, dict(table)) for column, table in columns.items()}
        self._dialect = Dialect.of(self._format, columns=shown)

    def write(self, ctx: Context, queryset: Any, params: Mapping[str, Any]) -> dict[str, Any]:
        """Writes the file and describes it. A file exists only if every row was read and written."""
        started, taken_at = time.monotonic(), datetime.now(UTC)
        name = file_name(self._title, params.values(), self._format)
        with ctx.artifact(name, media_type(self._format)) as file, self._rows(queryset) as rows:
            shown = labels(rows.columns, self._dialect.columns)
            count = export(rows, self._format, file.write, lambda done: ctx.progress(done, None, "rows"), self._dialect)
        ctx.progress(count, count, "rows")
        return ReportGenerated(
            artifact=file.ref,
            report=self._name,
            title=self._title,
            rows=count,
            bytes=file.size,
            sha256=file.sha256,
            columns=shown,
            snapshot_at=taken_at,
            duration_seconds=round(time.monotonic() - started, 3),
            params=dict(params),
        ).model_dump(mode="json")

    @contextmanager
    def _rows(self, queryset: Any) -> Iterator[Rows]:
        found: Reading
        with reading(queryset) as found:
            yield Rows(found.columns, batches_of(found.fetch, found.columns, self._dialect))
