"""Defines the input and result of `certificates.issue`, which makes a ZIP archive of certificates from rosters."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract
from bureau.contracts.encodings import encoding_or_error
from bureau.contracts.mail.mail import MAX_RECIPIENTS, Address, Language

MAX_FILES = 50


EncodingName = Annotated[str, AfterValidator(encoding_or_error)]


class IssueCertificates(Contract):
    """Holds the uploads to read; they are deleted when the task succeeds."""

    files: list[ArtifactRef] = Field(min_length=1, max_length=MAX_FILES)
    deliver: Literal["owner", "recipients"] = Field(
        default="owner", description="`recipients` mails each person in the archive's manifest their own certificate."
    )
    subject: Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=998)] | None = Field(
        default=None, description="The subject of the recipients' mails; it replaces the template's."
    )

    encoding: EncodingName | None = Field(
        default=None, description="The encoding of the files, such as `Windows-1254`; detected if not given."
    )
    language: Language | None = Field(default=None, description="The language of certificates whose row names none.")


class TellIssueFailure(Contract):
    """Holds the input of a failure notice, which tells the requester that a task of the job failed."""

    title: str = Field(max_length=1000)
    to: list[Address] = Field(min_length=1, max_length=MAX_RECIPIENTS)
    language: Language | None = None


class NotMailed(Contract):
    """Names a certificate that could not be mailed, and why."""

    file: str = Field(description="The name of the certificate in the archive.")
    recipient: str
    reason: str


class CertificatesIssued(Contract):
    """Describes the checked archive. The counts come from its manifest, and are 0 without a manifest."""

    archive: ArtifactRef
    members: int = Field(description="The number of files in the archive.")
    bytes: int
    sha256: str
    certificates: int = Field(default=0, description="The number of certificates in the archive.")
    errors: int = Field(default=0, description="The number of errors that kept rows from being issued.")
    language: Language | None = Field(
        default=None, description="The language of most certificates; null if the manifest says none."
    )
    not_mailed: list[NotMailed] = Field(
        default=[], max_length=100, description="The first people whose address is invalid, so that no mail was sent."
    )
    mails: int = Field(default=0, description="The number of recipients who are mailed their own certificate.")
