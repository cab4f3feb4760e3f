"""Defines the request for certificates: POST /v1/certificates, and `certificates` in a schedule."""

from typing import Literal

from pydantic import Field

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import MAX_FILES, EncodingName
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.mail.mail import Language
from bureau.contracts.requests.addresses import MAX_LISTED, MailAddress, Subject


class CertificatesForm(Terms):
    """Says what to do with the rosters, which a form sends as separate parts."""

    email_to: list[MailAddress] = Field(default=[], max_length=MAX_LISTED, description="The recipients of the ZIP.")
    subject: Subject | None = Field(
        default=None, description="The subject of that mail, or of the mails to the recipients."
    )
    deliver: Literal["owner", "recipients"] = Field(
        default="owner",
        description="`owner` mails the ZIP to `email_to`; `recipients` also mails each person their own certificate.",
    )
    failure_email_to: list[MailAddress] = Field(
        default=[],
        max_length=20,
        description="The recipients of a notice if the job fails; if empty, the owner if that is an address.",
    )
    encoding: EncodingName | None = Field(
        default=None,
        description="The encoding of all files, such as `windows-1254`. Needed only if it cannot be detected.",
    )
    language: Language | None = Field(
        default=None,
        description="The language of certificates whose row names none. The built-in issuer has `en`, `es`, `ca`, `fr` "
        "and `pt`.",
    )


class CertificatesRequest(CertificatesForm):
    """Names rosters that are stored already: a schedule uploads nothing."""

    files: list[ArtifactRef] = Field(
        min_length=1, max_length=MAX_FILES, description="Rosters that POST /v1/files stored."
    )
