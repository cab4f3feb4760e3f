"""Defines the input and result of `certificates.issue`, which posts uploads to an issuer and stores its ZIP."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract

MAX_FILES = 50


class IssueCertificates(Contract):
    """Holds the uploads to post; they are deleted when the task succeeds."""

    files: list[ArtifactRef] = Field(min_length=1, max_length=MAX_FILES)
    deliver: Literal["owner", "recipients"] = Field(
        default="owner", description="`recipients` mails each person in the archive's manifest their own certificate."
    )
    subject: Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=998)] | None = Field(
        default=None, description="The subject of the recipients' mails; it replaces the template's."
    )


class CertificatesIssued(Contract):
    """Describes the checked archive."""

    archive: ArtifactRef
    members: int = Field(description="The number of files in the archive.")
    bytes: int
    sha256: str
    certificates: int = Field(
        default=0, description="The number of certificates in its manifest; 0 without a manifest."
    )
    errors: int = Field(default=0, description="The number of rows that its manifest lists as not issued.")
    mails: int = Field(default=0, description="The number of recipients who are mailed their own certificate.")
