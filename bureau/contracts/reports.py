"""Defines the inputs and results of `reports.…`: CSV files, previews, deliveries and failure notices."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract
from bureau.contracts.mail.mail import MAX_RECIPIENTS, Address, HeaderText

MAX_BURST = 500  # files of one report; each takes a statement at the source and a mail

DateFormat = Literal["YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY"]
NullText = Literal["", "NULL", "null", "\\N", "-", "N/A", "n/a", "#N/A"]
Empty = Literal["send", "note", "skip"]


class CsvFormat(Contract):
    """Says how the file is written (RFC 4180). A missing field has the report's own default, else the one here."""

    delimiter: Literal[",", ";", "\t", "|"] = ","
    header: bool = Field(default=True, description="If true, the first line holds the columns' labels.")
    bom: bool = Field(
        default=False, description="If true, the file starts with a UTF-8 byte order mark, which spreadsheets need."
    )
    decimal_comma: bool = Field(default=False, description="If true, the file has 1,5 instead of 1.5.")
    date_format: DateFormat = Field(default="YYYY-MM-DD", description="The format of dates, also within date-times.")
    null_text: NullText = Field(default="", description="The text for NULL; a value with the same text is quoted.")
    compression: Literal["gzip"] | None = None

    def over(self, standard: "CsvFormat") -> "CsvFormat":
        """Returns `standard` with the fields replaced that were set here."""
        return standard.model_copy(update=self.model_dump(exclude_unset=True))


class GenerateReport(Contract):
    """Holds the input of a report of the catalog, run with `params`."""

    report: str = Field(min_length=1, max_length=100)
    params: dict[str, Any] = Field(default={})
    format: CsvFormat = CsvFormat()


class ReportGenerated(Contract):
    """Describes a report's file. A file exists only if every row was read and written."""

    artifact: ArtifactRef
    report: str
    title: str
    rows: int
    bytes: int
    sha256: str
    columns: list[str] = Field(description="The columns' labels, as in the header.")
    snapshot_at: AwareDatetime = Field(description="When the source was read.")
    duration_seconds: float
    params: dict[str, Any] = Field(default={}, description="The parameters of this run, defaults included.")
    complete: Literal[True] = True


class BurstReport(Contract):
    """Holds the input of a report that runs once for each of `values`, all from one snapshot of the source."""

    report: str = Field(min_length=1, max_length=100)
    params: dict[str, Any] = Field(default={}, description="The other parameters.")
    format: CsvFormat = CsvFormat()
    parameter: str = Field(min_length=1, max_length=100)
    values: list[str | int | float | bool] = Field(min_length=1, max_length=MAX_BURST)


class ReportBurst(Contract):
    """Holds a file for each of the values, in their order."""

    files: list[ReportGenerated]


class PreviewReport(Contract):
    """Holds the input of a preview, which returns the first rows of a report."""

    report: str = Field(min_length=1, max_length=100)
    params: dict[str, Any] = Field(default={})
    format: CsvFormat = CsvFormat()


class ReportPreview(Contract):
    """Holds the first rows of a report.

    Each cell is the text that the file would have; NULL is null. `more` says whether there are further rows.
    """

    report: str
    title: str
    columns: list[str]
    rows: list[list[str | None]]
    more: bool
    params: dict[str, Any]
    snapshot_at: AwareDatetime
    duration_seconds: float


class DeliverReport(Contract):
    """Holds the input of a delivery, which mails a file attached, zipped or as a link, depending on its size."""

    generated: ReportGenerated
    to: list[Address] = Field(min_length=1, max_length=MAX_RECIPIENTS)
    subject: HeaderText | None = None
    title: str | None = Field(default=None, max_length=200, description="Replaces the report's own title.")
    empty: Empty | None = Field(
        default=None, description="How to deliver a file without rows; if missing, EMPTY_REPORTS decides."
    )


class ReportDelivered(Contract):
    """Says how the file was delivered. A separate task sends the mail."""

    delivery: Literal["attached", "zipped", "link", "note", "skipped"]
    bytes: int = Field(description="The number of bytes that the mail carries.")


class TellFailure(Contract):
    """Holds the input of a failure notice, which tells the requester that a task of the job failed."""

    report: str = Field(max_length=100)
    title: str = Field(max_length=1000)
    to: list[Address] = Field(min_length=1, max_length=MAX_RECIPIENTS)
