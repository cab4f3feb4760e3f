"""Settings of the built-in issuer."""

from typing import Literal

from pydantic import DirectoryPath, Field

from bureau.settings import Settings


class IssuerSettings(Settings):
    """Limits bound what one request costs: at some 70 certificates a second, 5,000 rows stay within the client's
    timeout of 120 s."""

    issuer_organisation: str = Field(
        default="Bureau", min_length=1, max_length=80, description="Who issues, as printed on each certificate."
    )
    issuer_fonts_dir: DirectoryPath | None = Field(
        default=None, description="A folder of fonts for scripts that the built-in ones lack (Chinese, Devanagari, …)."
    )
    issuer_row_errors: Literal["refuse", "issue_good"] = Field(
        default="refuse",
        description="Where rows have mistakes: `refuse` all, or `issue_good` and list the others in `errors.csv`.",
    )
    issuer_max_rows: int = Field(default=5_000, ge=1, description="Rows of all rosters of a request.")
    issuer_max_roster_bytes: int = Field(default=5 * 1024 * 1024, ge=1, description="One roster.")
    issuer_max_request_bytes: int = Field(default=100 * 1024 * 1024, ge=1, description="A request's body.")
