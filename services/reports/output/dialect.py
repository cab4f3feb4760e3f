"""Defines how the cells of one file are written, from the report's and the request's settings, for all sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bureau.contracts.reports import CsvFormat
from bureau.services.reports.definition.columns import ReportColumn


@dataclass(frozen=True)
class Dialect:
    """Holds the format of cells.

    `neutralise` puts a quote before text that a spreadsheet would run as a formula. Times with an offset are shown in
    `zone`; with None they stay as the source has them.
    """

    delimiter: str = ","
    null_text: str = ""
    decimal_comma: bool = False
    date_format: str = "YYYY-MM-DD"
    neutralise: bool = True
    columns: Mapping[str, ReportColumn] = field(default_factory=dict)
    zone: ZoneInfo | None = None

    @classmethod
    def of(
        cls,
        form: CsvFormat,
        *,
        neutralise: bool = True,
        columns: Mapping[str, ReportColumn] | None = None,
        zone: ZoneInfo | None = None,
    ) -> "Dialect":
        return cls(
            form.delimiter, form.null_text, form.decimal_comma, form.date_format, neutralise, columns or {}, zone
        )
