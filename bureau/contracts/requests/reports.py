"""Defines the request for a report: POST /v1/reports, and `report` in a schedule."""

from typing import Annotated, Any, Literal

from pydantic import Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.reports import MAX_BURST, CsvFormat
from bureau.contracts.requests.addresses import MAX_LISTED, MailAddress, Subject


class Burst(Contract):
    """Requests one file per value of a parameter, all from one snapshot. Each recipient gets only their own file."""

    parameter: str = Field(min_length=1, max_length=100, description="One of the report's parameters.")
    recipients: dict[str, Annotated[list[MailAddress], Field(max_length=MAX_LISTED)]] = Field(
        min_length=1, max_length=MAX_BURST, description="Who gets the file of which value."
    )


class ReportRequest(Terms):
    """Names a report of the catalog, its parameters, and the recipients of the file."""

    report: str = Field(min_length=1, max_length=100, description="One of GET /v1/catalog/reports.")
    params: dict[str, Any] = Field(default={}, description="As the report's params_schema says.")
    format: CsvFormat = CsvFormat()
    email_to: list[MailAddress] = Field(default=[], max_length=MAX_LISTED, description="Who gets the file.")
    subject: Subject | None = Field(default=None, description="Of that mail.")
    burst: Burst | None = Field(default=None, description="Instead of email_to: a file for each value of a parameter.")
    empty: Literal["send", "note", "skip"] | None = Field(
        default=None, description="What is mailed of a report without rows; EMPTY_REPORTS where it is not given."
    )
    failure_email_to: list[MailAddress] = Field(
        default=[], max_length=20, description="Who hears that it failed; else the owner, where that is an address."
    )
