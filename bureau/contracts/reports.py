"""`reports.…`: a report of the catalog to a CSV file, its first rows, its delivery, the news that it failed."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract
from bureau.contracts.mail.mail import MAX_RECIPIENTS, Address, HeaderText

MAX_BURST = 500  # files of one report: each is a statement at the source and a mail

DateFormat = Literal["YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY"]
NullText = Literal["", "NULL", "null", "\\N", "-", "N/A", "n/a", "#N/A"]
Empty = Literal["send", "note", "skip"]


class CsvFormat(Contract):
    """How the file is written (RFC 4180). What is not given is as the report says, else as here."""

    delimiter: Literal[",", ";", "\t", "|"] = ","
    header: bool = Field(default=True, description="The columns' labels as the first line.")
    bom: bool = Field(default=False, description="A UTF-8 byte order mark first; spreadsheets want it.")
    decimal_comma: bool = Field(default=False, description="1,5 instead of 1.5.")
    date_format: DateFormat = Field(default="YYYY-MM-DD", description="Of dates, and of the day of times.")
    null_text: NullText = Field(default="", description="What stands for NULL; a text that says the same is quoted.")
    compression: Literal["gzip"] | None = None

    def over(self, standard: "CsvFormat") -> "CsvFormat":
        """`standard` with what was given here instead."""
        return standard.model_copy(update=self.model_dump(exclude_unset=True))


class GenerateReport(Contract):
    """A report of the catalog, run with `params`."""

    report: str = Field(min_length=1, max_length=100)
    params: dict[str, Any] = Field(default={})
    format: CsvFormat = CsvFormat()


class ReportGenerated(Contract):
    """The file and what it holds. There is one only where every row was read and written."""

    artifact: ArtifactRef
    report: str
    title: str
    rows: int
    bytes: int
    sha256: str
    columns: list[str] = Field(description="The labels, as the header has them.")
    snapshot_at: AwareDatetime = Field(description="When the source was read.")
    duration_seconds: float
    params: dict[str, Any] = Field(default={}, description="The parameters it ran with, defaults included.")
    complete: Literal[True] = True


class BurstReport(Contract):
    """A report run once for each of `values`, all from one snapshot of the source."""

    report: str = Field(min_length=1, max_length=100)
    params: dict[str, Any] = Field(default={}, description="The other parameters.")
    format: CsvFormat = CsvFormat()
    parameter: str = Field(min_length=1, max_length=100)
    values: list[str | int | float | bool] = Field(min_length=1, max_length=MAX_BURST)


class ReportBurst(Contract):
    """A file for each of the values, in their order."""

    files: list[ReportGenerated]


class PreviewReport(Contract):
    """The first rows of a report."""

    report: str = Field(min_length=1, max_length=100)
    params: dict[str, Any] = Field(default={})
    format: CsvFormat = CsvFormat()


class ReportPreview(Contract):
    """The first rows, each cell as the file would have it; NULL is null. `more`: there are further rows."""

    report: str
    title: str
    columns: list[str]
    rows: list[list[str | None]]
    more: bool
    params: dict[str, Any]
    snapshot_at: AwareDatetime
    duration_seconds: float


class DeliverReport(Contract):
    """A file to people: attached, zipped or as a link, by its size."""

    generated: ReportGenerated
    to: list[Address] = Field(min_length=1, max_length=MAX_RECIPIENTS)
    subject: HeaderText | None = None
    title: str | None = Field(default=None, max_length=200, description="Instead of the report's own.")
    empty: Empty | None = Field(default=None, description="A file without rows; EMPTY_REPORTS where it is not given.")


class ReportDelivered(Contract):
    """How it went out. The mail itself is a task of its own."""

    delivery: Literal["attached", "zipped", "link", "note", "skipped"]
    bytes: int = Field(description="What the mail carries.")
    link_expires_at: AwareDatetime | None = None


class TellFailure(Contract):
    """The news that a task of this job failed, to whoever asked for it."""

    report: str
    title: str
    to: list[Address] = Field(min_length=1, max_length=MAX_RECIPIENTS)
