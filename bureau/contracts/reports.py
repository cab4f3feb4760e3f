"""`reports.generate`: a named query to a CSV file."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract


class CsvFormat(Contract):
    """How the file is written (RFC 4180)."""

    delimiter: Literal[",", ";", "\t", "|"] = ","
    bom: bool = Field(default=False, description="A UTF-8 byte order mark first; spreadsheets want it.")
    compression: Literal["gzip"] | None = None


class GenerateReport(Contract):
    """A report of the catalog, run with `params`."""

    report: str = Field(min_length=1, max_length=100)
    params: dict[str, Any] = Field(default={})
    format: CsvFormat = CsvFormat()


class ReportGenerated(Contract):
    """The file and what it holds."""

    artifact: ArtifactRef
    report: str
    title: str
    rows: int
    bytes: int
    sha256: str
    columns: list[str]
    snapshot_at: AwareDatetime = Field(description="When the source was read.")
    duration_seconds: float
