"""The input and the result of `certificates.issue`: rosters become a ZIP archive of certificates."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract
from bureau.contracts.encodings import encoding_or_error
from bureau.contracts.mail.mail import Language

MAX_FILES = 50


EncodingName = Annotated[str, AfterValidator(encoding_or_error)]


class IssueCertificates(Contract):
    """The uploads to post. They are removed once the task has succeeded."""

    files: list[ArtifactRef] = Field(min_length=1, max_length=MAX_FILES)
    deliver: Literal["owner", "recipients"] = Field(
        default="owner", description="`recipients`: each person named in the archive's manifest is mailed their own."
    )
    subject: Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=998)] | None = Field(
        default=None, description="The subject of the recipients' mails, instead of the template's."
    )

    encoding: EncodingName | None = Field(
        default=None, description="The encoding of the files, such as `Windows-1254`; found out if not given."
    )
    language: Language | None = Field(default=None, description="The language of certificates whose row names none.")


class CertificatesIssued(Contract):
    """The checked archive. Counts are those of its manifest, and 0 without one."""

    archive: ArtifactRef
    members: int = Field(description="Files in the archive.")
    bytes: int
    sha256: str
    certificates: int = Field(default=0, description="Certificates in the archive.")
    errors: int = Field(default=0, description="Errors that kept rows from being issued.")
    mails: int = Field(default=0, description="Recipients who are mailed their own certificate.")
