"""Reads the mailer's settings from the environment."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from bureau.contracts.mail.addresses import Mailbox, domain_name, parse_mailbox
from bureau.contracts.mail.recipient_domains import DESCRIPTION
from bureau.services.mailer.templating.templating import SHIPPED
from bureau.services.mailer.transports.urls import MailUrl, mail_urls
from bureau.settings import Settings


class MailerSettings(Settings):
    """Holds the mailer's settings. `MAIL_URL` names the transports and may contain a password."""

    mail_url: SecretStr = Field(
        default=SecretStr("file://var/outbox"),
        description="The mail transport: `file://folder` (.eml), `console://`, `smtp://user:password@host:port`, "
        "`smtps://…`, `sendgrid://`; several, separated by commas, are tried in order; `?rate=5` limits the mails per "
        "second of each process.",
    )
    mail_from: str = Field(default="Bureau <bureau@localhost>", description="The sender of mails that name no sender.")
    mail_from_domains: str = Field(
        default="",
        description="The domains that a sender's address may have, separated by commas; if empty, any domain.",
    )
    mail_templates: Path | None = Field(
        default=None,
        description="A folder of your own templates; a template there replaces the shipped one of the same name.",
    )
    public_url: str = Field(
        default="http://localhost:8600", description="The address at which clients reach the gateway, for links."
    )
    link_secret: SecretStr = Field(
        default=SecretStr(""),
        description="The secret that signs links, the same as the gateway's; if empty, the ledger keeps one.",
    )
    recipient_domains: str = Field(default="", description=DESCRIPTION)
    mail_unknown: Literal["resend", "park"] = Field(
        default="resend",
        description="What to do with a mail that a provider took without answering: `resend` sends it again under the "
        "same Message-ID (at least once), `park` leaves the decision to a person (at most once).",
    )
    mail_connect_timeout_seconds: float = Field(
        default=10.0, gt=0, le=30, description="How long to wait for a connection to an SMTP server."
    )
    # The transfer of the mail itself must begin within 30 s; the task's time limit is 120 s.
    mail_read_timeout_seconds: float = Field(
        default=20.0,
        gt=0,
        le=30,
        description="How long to wait for each answer of an SMTP server before the mail itself is sent.",
    )
    # Base64 turns 20 MB into 27 MB: providers accept 25 to 30 MB, SendGrid 30 MB.
    mail_attachments_max_bytes: int = Field(
        default=20_000_000, ge=0, le=100_000_000, description="The maximum size of all attachments of a mail together."
    )
    sendgrid_api_key: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="The API key, required with `MAIL_URL=sendgrid://`; it needs Mail Send access.",
    )
    sendgrid_api_url: str = Field(
        default="https://api.sendgrid.com",
        description="The address of SendGrid's API; `https://api.eu.sendgrid.com` for accounts in the EU.",
    )
    sendgrid_sandbox: bool = Field(
        default=False,
        description="`true`: SendGrid checks mails but sends none, so that you can test a key and a sender.",
    )
    sendgrid_timeout_seconds: float = Field(
        default=60.0, gt=0, le=110, description="How long to wait for SendGrid's answer."
    )

    @property
    def sender(self) -> Mailbox:
        return parse_mailbox(self.mail_from)

    @property
    def mail_urls(self) -> tuple[MailUrl, ...]:
        return mail_urls(self.mail_url.get_secret_value())

    @property
    def from_domains(self) -> frozenset[str]:
        """Returns the domains that a sender may have; empty if any is allowed."""
        return frozenset(domain_name(one) for one in self.mail_from_domains.split(",") if one.strip())

    @property
    def template_folders(self) -> tuple[Path, ...]:
        return (self.mail_templates, SHIPPED) if self.mail_templates else (SHIPPED,)

    @field_validator("mail_templates")
    @classmethod
    def _a_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("there is no such folder")
        return value

    @field_validator("mail_url")
    @classmethod
    def _known_url(cls, value: SecretStr) -> SecretStr:
        mail_urls(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parse_mailbox(value)
        return value

    @model_validator(mode="after")
    def _from_an_allowed_domain(self) -> Self:
        if self.from_domains and self.sender.domain not in self.from_domains:
            raise ValueError(f"MAIL_FROM: {self.sender.domain} is not one of MAIL_FROM_DOMAINS")
        return self

    @field_validator("sendgrid_api_key")
    @classmethod
    def _key_where_needed(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        key, url = value.get_secret_value(), info.data.get("mail_url")
        if url is not None and "sendgrid://" in url.get_secret_value() and not key:
            raise ValueError("needed with MAIL_URL=sendgrid://; make one at app.sendgrid.com, with Mail Send access")
        if not (key.isascii() and (key.isprintable() or not key)) or " " in key:
            raise ValueError("a key is one word of ASCII")
        return value

    @field_validator("sendgrid_api_url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("use https://api.sendgrid.com or https://api.eu.sendgrid.com")
        return value.rstrip("/")
