"""`mailer.send`: one e-mail."""

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.base import Contract

MAX_RECIPIENTS = 100
MAX_BODY_BYTES = 1024 * 1024
MAX_CONTEXT_BYTES = 16 * 1024

# One line: a CR or LF in a header would start another header (RFC 5322, section 2.2).
HeaderText = Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=998)]
Address = Annotated[str, StringConstraints(pattern=r"^[^\r\n]+$", min_length=3, max_length=500)]
TemplateName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class SendMail(Contract):
    """An e-mail: either `template` with `context`, or `subject` with `text`, `html` or both.

    Addresses are `ada@example.com` or `Ada <ada@example.com>`. A body too large for a message is a reference.
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
    attachments: list[ArtifactRef] = Field(default=[], max_length=50)

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.template and (self.text is not None or self.html is not None):
            raise ValueError("give either a template or text and html, not both")
        if not self.template and self.text is None and self.html is None:
            raise ValueError("give text, html or a template")
        if not self.template and not self.subject:
            raise ValueError("give a subject: only a template brings its own")
        if len(self.to) + len(self.cc) + len(self.bcc) > MAX_RECIPIENTS:
            raise ValueError(f"at most {MAX_RECIPIENTS} recipients in to, cc and bcc together")
        return self


class MailSent(Contract):
    """The result of `mailer.send`: what the provider said, by recipient address."""

    message_id: str
    transport: str
    accepted: list[str]
    refused: dict[str, str] = Field(default={}, description="Address to the provider's reason.")
    outcome: str = Field(default="sent", description="`sent`, or `unknown` where the provider's answer was lost.")
