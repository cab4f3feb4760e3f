"""Defines the input and result of `mailer.send`, which sends one e-mail, and of `mailer.preview`."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import RULE, Contract
from bureau.contracts.mail.own_headers import LONGEST_VALUE, NAME_PATTERN, NAMES, VALUE_PATTERN, header_errors

MAX_RECIPIENTS = 100
MAX_BODY_BYTES = 1024 * 1024
MAX_CONTEXT_BYTES = 16 * 1024
LANGUAGE_PATTERN = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
LONGEST_LANGUAGE = 35
LONGEST_LINK_SECONDS = 31 * 86_400  # only time (or a new LINK_SECRET) revokes a link

# One line: a CR or LF in a header would start another header (RFC 5322, section 2.2).
_ONE_LINE = {RULE: "must be one line, without line breaks"}
HeaderText = Annotated[
    str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=998), Field(json_schema_extra={**_ONE_LINE})
]
Address = Annotated[
    str, StringConstraints(pattern=r"^[^\r\n]+$", min_length=3, max_length=500), Field(json_schema_extra={**_ONE_LINE})
]
TemplateName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"),
    Field(json_schema_extra={RULE: "must be a template's name: small letters, digits and hyphens"}),
]
Language = Annotated[
    str,
    StringConstraints(pattern=LANGUAGE_PATTERN, max_length=LONGEST_LANGUAGE),
    Field(json_schema_extra={RULE: "must be a language tag such as fr or pt-BR"}),
]
ContentId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    Field(json_schema_extra={RULE: "must be a name of letters, digits, dots, hyphens and underscores"}),
]
Category = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]([ -~]{0,253}[!-~])?$"),
    Field(json_schema_extra={RULE: "must be 1 to 255 characters of ASCII"}),
]
UnsubscribeLink = Annotated[
    str,
    StringConstraints(pattern=r"^(https://|mailto:)[!-;=?-~]+$", max_length=900),
    Field(json_schema_extra={RULE: "must be an https:// or mailto: address without spaces"}),
]


HeaderName = Annotated[
    str,
    StringConstraints(pattern=NAME_PATTERN),
    Field(json_schema_extra={RULE: f"must be {NAMES}"}),
]
HeaderValue = Annotated[
    str,
    StringConstraints(pattern=VALUE_PATTERN, max_length=LONGEST_VALUE),
    Field(json_schema_extra={RULE: "must be one line, without control characters"}),
]
LinkName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$"),
    Field(json_schema_extra={RULE: "must be a name of small letters, digits and underscores"}),
]


class SendMail(Contract):
    """Describes an e-mail: either `template` with `context`, or `subject` with `text`, `html` or both.

    Addresses are `ada@example.com` or `Ada <ada@example.com>`, in any script. A body that is too large for a message
    is given as a reference to a stored file.
    """

    from_: Address | None = Field(default=None, alias="from", description="Defaults to MAIL_FROM.")
    to: list[Address] = Field(
        default=[], max_length=MAX_RECIPIENTS, description="May be empty if `cc` or `bcc` has somebody."
    )
    cc: list[Address] = Field(default=[], max_length=MAX_RECIPIENTS)
    bcc: list[Address] = Field(default=[], max_length=MAX_RECIPIENTS)
    reply_to: Address | None = None
    subject: HeaderText | None = None
    text: str | ArtifactRef | None = None
    html: str | ArtifactRef | None = None
    template: TemplateName | None = None
    context: dict[str, Any] = Field(default={})
    links: dict[LinkName, ArtifactRef] = Field(
        default={},
        max_length=10,
        description='Files that the template links to: the address of `{"link": …}` is its `link`, and '
        "`link_expires_at` is the time until which it works.",
    )
    link_seconds: int = Field(default=7 * 86_400, ge=1, le=LONGEST_LINK_SECONDS, description="How long links work.")
    language: Language | None = Field(
        default=None, description="The template's language: `fr`, `pt-BR`; English if the template lacks it."
    )
    attachments: list[ArtifactRef] = Field(default=[], max_length=50)
    inline: dict[ContentId, ArtifactRef] = Field(
        default={}, max_length=20, description='Images for `html`: `{"logo": …}` for `<img src="cid:logo">`.'
    )
    categories: list[Category] = Field(
        default=[],
        max_length=10,
        description="Categories for the provider's statistics (SendGrid); they must not identify a person.",
    )
    unsubscribe: UnsubscribeLink | None = Field(
        default=None,
        description="The address in List-Unsubscribe; an https address must accept a one-click POST (RFC 8058).",
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        max_length=20,
        description=f"Headers of your own: {NAMES}. Those that Bureau, mail servers or a provider use are reserved.",
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        """Checks that the mail goes to somebody, and not to too many; a request for several mails overrides this."""
        if not (self.to or self.cc or self.bcc):
            raise ValueError("name at least one recipient in to, cc or bcc")
        if len(self.to) + len(self.cc) + len(self.bcc) > MAX_RECIPIENTS:
            raise ValueError(f"at most {MAX_RECIPIENTS} recipients in to, cc and bcc together")
        return self

    @model_validator(mode="after")
    def _own_headers(self) -> Self:
        if errors := list(header_errors(self.headers)):
            raise ValueError(f"headers: {'; '.join(errors)}")
        if self.unsubscribe and any(name.lower().startswith("list-unsubscribe") for name in self.headers):
            raise ValueError("give unsubscribe or the header List-Unsubscribe, not both")
        return self

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.template and (self.text is not None or self.html is not None):
            raise ValueError("give either a template or text and html, not both")
        if not self.template and self.text is None and self.html is None:
            raise ValueError("give text, html or a template")
        if self.links and not self.template:
            raise ValueError("links need a template that shows them")
        if self.links.keys() & self.context.keys():
            raise ValueError("a name is in links and in context; give it once")
        if self.inline and self.html is None:
            raise ValueError("inline images need html that shows them")
        if not self.template and not self.subject:
            raise ValueError("give a subject, unless a template provides it")
        return self

    @field_validator("categories")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class MailSent(Contract):
    """Holds the result of `mailer.send`: the provider's answer for each recipient address."""

    message_id: str
    transport: str
    accepted: list[str]
    refused: dict[str, str] = Field(default={}, description="The provider's reason for each refused address.")
    outcome: str = Field(default="sent", description="`sent`, or `unknown` if the provider's answer was lost.")


class PreviewMail(Contract):
    """Holds the input of `mailer.preview`, which renders a template and sends nothing."""

    template: TemplateName
    context: dict[str, Any] = Field(default={})
    language: Language | None = None


class MailPreview(Contract):
    """Holds the texts of the mail that the template would make."""

    subject: str
    text: str
    html: str | None = Field(description="The HTML with its images embedded; null if the template has only text.")
    language: str = Field(description="The language of the variant that was used.")
