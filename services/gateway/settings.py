"""The gateway's settings: where it listens, how it is reached, and its limits."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from pydantic import Field, SecretStr, field_validator, model_validator

from bureau.contracts.certificates import MAX_FILES
from bureau.contracts.mail.mail import MAX_CONTEXT_BYTES, MAX_RECIPIENTS
from bureau.contracts.mail.recipient_domains import DESCRIPTION
from bureau.settings import SettingsError
from bureau.signing.certificate_tokens import Verifier
from bureau.submission.quota_settings import QuotaSettings
from services.gateway.api_keys import key_file
from services.gateway.providers import sendgrid


class GatewaySettings(QuotaSettings):
    """Limits are refused by these names and their values."""

    bind: str = Field(default="127.0.0.1:8600", description="host:port, [::1]:port or unix:/path.")
    port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="From a hosting platform: 5000 means `BIND=0.0.0.0:5000`, which needs a key. BIND wins.",
    )
    public_url: str = Field(default="", description="How clients reach the gateway; from BIND when empty.")
    allowed_hosts: str = Field(
        default="", description="Further names the gateway is reached by, separated by commas: `gateway,10.0.0.5`."
    )
    keys_file: Path | None = Field(
        default=None, description="Keys beside those of the ledger: lines `owner role key`, read again when it changes."
    )
    rate_limit_per_minute: int = Field(
        default=1200, ge=0, le=1_000_000, description="Requests of a key; 0: any number."
    )
    link_secret: SecretStr = Field(
        default=SecretStr(""), description="Signs links, 32 characters or more; the ledger keeps one where it is empty."
    )
    certificates_public_keys: SecretStr = Field(  # public; secret for the sake of its *_FILE
        default=SecretStr(""),
        description="Of ISSUER_SIGNING_KEY, for the page behind QR codes; several, also former ones, with commas.",
    )
    sendgrid_events_key: str = Field(
        default="", description="The verification key of SendGrid's event webhook; without it no events are taken."
    )
    # SendGrid repeats for 24 h what was not answered with 2xx; it signs anew each time.
    sendgrid_events_window_seconds: int = Field(
        default=600, gt=0, le=86_400, description="How old a signature of its events may be."
    )
    max_body_bytes: int = Field(default=100_000_000, gt=0, description="A request's body.")
    max_json_bytes: int = Field(default=16_000_000, gt=0, description="A JSON body: it is read into memory.")
    max_files: int = Field(default=MAX_FILES, gt=0, le=MAX_FILES, description="Files in a request.")
    max_file_bytes: int = Field(default=25_000_000, gt=0, description="One file.")
    max_context_bytes: int = Field(
        default=MAX_CONTEXT_BYTES, gt=0, le=MAX_CONTEXT_BYTES, description="A mail's context."
    )
    max_recipients: int = Field(default=MAX_RECIPIENTS, gt=0, le=MAX_RECIPIENTS, description="Of a mail, all together.")
    recipient_domains: str = Field(default="", description=DESCRIPTION)
    failure_email_to: str = Field(
        default="", description="Who hears of reports that failed where neither request nor owner is an address."
    )
    max_wait_seconds: int = Field(default=30, ge=0, le=300, description="What `Prefer: wait` may ask for.")
    metrics_bind: str = Field(
        default="", pattern=r"^$|^.+:\d+$", description="`host:port` for `/metrics` of the gateway, or of all in one."
    )
    web_concurrency: int = Field(default=1, ge=1, le=64, description="Gunicorn processes.")
    # A request that waits holds a thread; idle ones cost little (5 MB for 256).
    web_threads: int = Field(default=32, ge=2, le=1000, description="Threads of each.")
    max_streams: int | None = Field(
        default=None,
        ge=0,
        le=999,
        description="Event streams at once in each process, fewer than WEB_THREADS: each holds a thread. Unset: half.",
    )
    max_stream_seconds: float = Field(
        default=600, gt=0, le=86_400, description="A stream ends after so long; its client connects again."
    )

    @model_validator(mode="before")
    @classmethod
    def _bind_to_port(cls, given: dict[str, Any]) -> dict[str, Any]:
        port = str(given.get("port") or "")
        return {**given, "bind": f"0.0.0.0:{port}"} if port.isdecimal() and not given.get("bind") else given

    @field_validator("bind")
    @classmethod
    def _address(cls, value: str) -> str:
        """Whether it may be reachable from elsewhere depends on keys: `auth.exposure` says."""
        if not value.startswith("unix:") and bind_host(value) is None:
            raise ValueError("use host:port such as 127.0.0.1:8600, [::1]:8600, or unix:/path")
        return value

    @field_validator("keys_file")
    @classmethod
    def _keys(cls, value: Path | None) -> Path | None:
        if value is not None:
            key_file.read(value)
        return value

    @field_validator("sendgrid_events_key")
    @classmethod
    def _verification_key(cls, value: str) -> str:
        if value:
            sendgrid.public_key(value)
        return value

    @field_validator("link_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 32:
            raise ValueError("use 32 random characters or more: openssl rand -hex 32")
        return value

    @field_validator("certificates_public_keys")
    @classmethod
    def _public_keys(cls, value: SecretStr) -> SecretStr:
        Verifier(key_list(value))
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("use an address such as https://bureau.example.com")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _threads_for_others(self) -> Self:
        if self.max_streams is not None and self.max_streams >= self.web_threads:
            raise ValueError(
                f"MAX_STREAMS: {self.max_streams} streams would hold all {self.web_threads} threads; "
                "use fewer, or more WEB_THREADS"
            )
        return self

    @property
    def sendgrid_key(self) -> EllipticCurvePublicKey | None:
        return sendgrid.public_key(self.sendgrid_events_key) if self.sendgrid_events_key else None

    @property
    def stream_limit(self) -> int:
        """Event streams at once in this process."""
        return self.web_threads // 2 if self.max_streams is None else self.max_streams

    @property
    def address(self) -> tuple[str, int]:
        """Host and port. Raises `SettingsError` where a socket file was given instead."""
        if self.bind.startswith("unix:"):
            raise SettingsError(["BIND: this process listens on host:port only, such as 127.0.0.1:8600"])
        parts = urlsplit(f"//{self.bind}")
        return parts.hostname or "", parts.port or 0

    @property
    def base_url(self) -> str:
        """The absolute address without a slash at its end, for links that leave the gateway."""
        if self.public_url:
            return self.public_url
        if self.bind.startswith("unix:"):
            return "http://localhost"
        host, port = self.address
        return f"http://localhost:{port}" if host in ("", "0.0.0.0", "::") else f"http://{self.bind}"  # noqa: S104


def key_list(value: SecretStr) -> list[str]:
    return value.get_secret_value().replace(",", " ").split()


def bind_host(bind: str) -> str | None:
    """The host of `host:port`; None where it is not of that form."""
    try:
        parts = urlsplit(f"//{bind}")
        well_formed = parts.port is not None and parts.netloc == bind and "@" not in bind and not parts.path
    except ValueError:
        return None
    return (parts.hostname or "") if well_formed else None


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
