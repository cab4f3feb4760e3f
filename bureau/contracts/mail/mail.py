"""`mailer.send`: one e-mail."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import RULE, Contract

MAX_RECIPIENTS = 100
MAX_BODY_BYTES = 1024 * 1024
MAX_CONTEXT_BYTES = 16 * 1024

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
    StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35),
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


class SendMail(Contract):
    """An e-mail: either `template` with `context`, or `subject` with `text`, `html` or both.

    Addresses are `ada@example.com` or `Ada <ada@example.com>`, in any script. A body too large for a message is a
    reference.
    """

    from_: Address | None = Field(default=None, alias="from", description="Defaults to MAIL_FROM.")
    to: list[Address] = Field(min_length=1, max_length=MAX_RECIPIENTS)
    cc: list[Address] = Field(default=[], max_length=MAX_RECIPIENTS)
    bcc: list[Address] = Field(default=[], max_length=MAX_RECIPIENTS)
    reply_to: Address | None = None
    subject: HeaderText | None = None
    text: str | ArtifactRef | None = None
    html: str | ArtifactRef | None = None
    template: TemplateName | None = None
    context: dict[str, Any] = Field(default={})
    language: Language | None = Field(
        default=None, description="Of the template: `fr`, `pt-BR`; English where it has none."
    )
    attachments: list[ArtifactRef] = Field(default=[], max_length=50)
    inline: dict[ContentId, ArtifactRef] = Field(
        default={}, max_length=20, description='Images that `html` shows: `{"logo": …}` for `<img src="cid:logo">`.'
    )
    categories: list[Category] = Field(
        default=[], max_length=10, description="For the provider's statistics (SendGrid); nothing about a person."
    )
    unsubscribe: UnsubscribeLink | None = Field(
        default=None, description="For List-Unsubscribe; an https address must take a POST of one click (RFC 8058)."
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.template and (self.text is not None or self.html is not None):
            raise ValueError("give either a template or text and html, not both")
        if not self.template and self.text is None and self.html is None:
            raise ValueError("give text, html or a template")
        if self.inline and self.html is None:
            raise ValueError("inline images need html that shows them")
        if not self.template and not self.subject:
            raise ValueError("give a subject: only a template brings its own")
        if len(self.to) + len(self.cc) + len(self.bcc) > MAX_RECIPIENTS:
            raise ValueError(f"at most {MAX_RECIPIENTS} recipients in to, cc and bcc together")
        return self

    @field_validator("categories")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class MailSent(Contract):
    """The result of `mailer.send`: what the provider said, by recipient address."""

    message_id: str
    transport: str
    accepted: list[str]
    refused: dict[str, str] = Field(default={}, description="Address to the provider's reason.")
    outcome: str = Field(default="sent", description="`sent`, or `unknown` where the provider's answer was lost.")


class PreviewMail(Contract):
    """`mailer.preview`: a template filled in, and sent to nobody."""

    template: TemplateName
    context: dict[str, Any] = Field(default={})
    language: Language | None = None


class MailPreview(Contract):
    """What a mail of the template would say."""

    subject: str
    text: str
    html: str | None = Field(description="With its images in it; null where the template has text only.")
    language: str = Field(description="Of the variant that was used.")
