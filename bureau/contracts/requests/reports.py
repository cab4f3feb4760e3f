"""Defines the request for a report: POST /v1/reports, and `report` in a schedule."""

from typing import Annotated, Any, Literal

from pydantic import Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.reports import MAX_BURST, CsvFormat
from bureau.contracts.requests.addresses import MAX_LISTED, MailAddress, Subject


class Burst(Contract):
    """Requests one file per value of a parameter, all from one snapshot. Each recipient gets only their own file."""

    parameter: str = Field(min_length=1, max_length=100, description="The name of one of the report's parameters.")
    recipients: dict[str, Annotated[list[MailAddress], Field(max_length=MAX_LISTED)]] = Field(
        min_length=1, max_length=MAX_BURST, description="The recipients of the file of each value."
    )


class ReportRequest(Terms):
    """Names a report of the catalog, its parameters, and the recipients of the file."""

    report: str = Field(min_length=1, max_length=100, description="The name of a report in GET /v1/catalog/reports.")
    params: dict[str, Any] = Field(default={}, description="The values that the report's params_schema asks for.")
    format: CsvFormat = CsvFormat()
    email_to: list[MailAddress] = Field(default=[], max_length=MAX_LISTED, description="The recipients of the file.")
    subject: Subject | None = Field(default=None, description="The subject of that mail.")
    burst: Burst | None = Field(
        default=None, description="Makes a file for each value of a parameter; replaces email_to."
    )
    empty: Literal["send", "note", "skip"] | None = Field(
        default=None, description="What is mailed if the report has no rows; EMPTY_REPORTS decides if it is missing."
    )
    failure_email_to: list[MailAddress] = Field(
        default=[],
        max_length=20,
        description="The recipients of a notice if the report fails; if empty, the owner if that is an address.",
    )
