"""Defines the request for an e-mail: POST /v1/emails, and `email` in a schedule."""

from typing import Annotated

from pydantic import AfterValidator, Field

from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.mail.mail import MAX_BODY_BYTES, SendMail
from bureau.contracts.requests.addresses import MAX_LISTED, MailAddress, Subject

# A longer text or HTML body is stored as a file, because it would make the ledger's rows large.
INLINE_BYTES = 16 * 1024
MAX_ATTACHMENTS = 50


def _at_most_a_mebibyte(text: str) -> str:
    if (size := len(text.encode("utf-8", "replace"))) > MAX_BODY_BYTES:
        raise ValueError(f"it has {size} bytes, the limit is {MAX_BODY_BYTES}; attach it as a file")
    return text


Content = Annotated[str, AfterValidator(_at_most_a_mebibyte)]


class EmailRequest(Terms, SendMail):
    """Describes an e-mail: `template` with `context`, or `subject` with `text`, `html` or both."""

    from_: MailAddress | None = Field(default=None, alias="from", description="Defaults to MAIL_FROM.")
    to: list[MailAddress] = Field(min_length=1, max_length=MAX_LISTED)
    cc: list[MailAddress] = Field(default=[], max_length=MAX_LISTED)
    bcc: list[MailAddress] = Field(default=[], max_length=MAX_LISTED)
    reply_to: MailAddress | None = None
    subject: Subject | None = None
    text: Content | None = Field(default=None, description="At most 1 MiB.")
    html: Content | None = Field(default=None, description="At most 1 MiB.")
