"""`certificates.issue`: uploads to the certificates API, its ZIP back."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract

MAX_FILES = 50


class IssueCertificates(Contract):
    """The uploads to post; they are removed once the task succeeded."""

    files: list[ArtifactRef] = Field(min_length=1, max_length=MAX_FILES)
    deliver: Literal["owner", "recipients"] = Field(
        default="owner", description="`recipients`: each person named in the archive's manifest is mailed their own."
    )
    subject: Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=998)] | None = Field(
        default=None, description="Of the recipients' mails, in place of the template's."
    )


class CertificatesIssued(Contract):
    """The checked archive."""

    archive: ArtifactRef
    members: int = Field(description="Files in the archive.")
    bytes: int
    sha256: str
    certificates: int = Field(default=0, description="By its manifest; 0 where it has none.")
    errors: int = Field(default=0, description="Rows that were not issued, by its manifest.")
    mails: int = Field(default=0, description="Recipients who are mailed theirs.")
