"""Defines the request for an e-mail, or for one for each of many people: POST /v1/emails, and `email` in a schedule."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import MAX_TASKS, Terms
from bureau.contracts.mail.mail import MAX_BODY_BYTES, Language, SendMail, UnsubscribeLink
from bureau.contracts.mail.own_headers import NAMES, header_errors
from bureau.contracts.requests.addresses import MAX_LISTED, MailAddress, Subject

# A longer text or HTML body is stored as a file, because it would make the ledger's rows large.
INLINE_BYTES = 16 * 1024
MANY_INLINE_BYTES = 1024  # of many mails, whose rows each hold it
MAX_ATTACHMENTS = 50


def _at_most_a_mebibyte(text: str) -> str:
    if (size := len(text.encode("utf-8", "replace"))) > MAX_BODY_BYTES:
        raise ValueError(f"it has {size} bytes, the limit is {MAX_BODY_BYTES}; attach it as a file")
    return text


Content = Annotated[str, AfterValidator(_at_most_a_mebibyte)]


def _headers(headers: dict[str, str]) -> dict[str, str]:
    if errors := list(header_errors(headers)):
        raise ValueError("; ".join(errors))
    return headers


# It is wider than the contract's field, whose patterns make no readable error messages.
Headers = Annotated[dict[str, str], AfterValidator(_headers)]


class Recipient(Contract):
    """Names a person who gets a mail of their own, and how it differs from the others."""

    to: MailAddress
    context: dict[str, Any] = Field(
        default={}, description="Values of the template for this person, in addition to the request's `context`."
    )
    language: Language | None = None
    unsubscribe: UnsubscribeLink | None = None


def _or_address(value: Any) -> Any:
    return {"to": value} if isinstance(value, str) else value


EachRecipient = Annotated[
    Recipient,
    BeforeValidator(_or_address, json_schema_input_type=str | Recipient),
]


class EmailRequest(Terms, SendMail):
    """Describes an e-mail: `template` with `context`, or `subject` with `text`, `html` or both.

    With `recipients` it is one mail for each of them.
    """

    from_: MailAddress | None = Field(default=None, alias="from", description="Defaults to MAIL_FROM.")
    to: list[MailAddress] = Field(
        default=[], max_length=MAX_LISTED, description="May be empty if `cc` or `bcc` has somebody."
    )
    cc: list[MailAddress] = Field(default=[], max_length=MAX_LISTED)
    bcc: list[MailAddress] = Field(default=[], max_length=MAX_LISTED)
    recipients: list[EachRecipient] = Field(
        default=[],
        max_length=MAX_TASKS,
        description="In place of `to`, `cc` and `bcc`: each of them gets a mail of their own and sees nobody else. "
        "An address, or an object with `to` and the person's own `context`, `language` and `unsubscribe`.",
    )
    reply_to: MailAddress | None = None
    headers: Headers = Field(
        default={},
        max_length=20,
        description=f"Headers of your own: {NAMES}. Those that Bureau, mail servers or a provider use are reserved.",
    )
    subject: Subject | None = None
    text: Content | None = Field(default=None, description="At most 1 MiB.")
    html: Content | None = Field(default=None, description="At most 1 MiB.")

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        """Leaves the check to `recipient_errors`, which knows MAX_RECIPIENTS and names the field."""
        return self
