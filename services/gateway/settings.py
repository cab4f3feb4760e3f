"""Defines the gateway's settings: where it listens, how it is reached, and its limits."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from bureau.contracts.certificates import MAX_FILES
from bureau.services.gateway.api_keys import key_file
from bureau.services.gateway.providers import sendgrid
from bureau.settings import SettingsError
from bureau.signing.certificate_tokens import Verifier
from bureau.submission.requests.limits import RequestSettings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey


class GatewaySettings(RequestSettings):
    """Holds the settings. A refusal because of a limit names its setting and value."""

    bind: str = Field(
        default="127.0.0.1:8600", description="The address to listen on: host:port, [::1]:port or unix:/path."
    )
    port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="Set by hosting platforms: 5000 means `BIND=0.0.0.0:5000`, which needs a key. If BIND is set, it "
        "is used instead.",
    )
    public_url: str = Field(
        default="",
        description="The address at which clients reach the gateway, with a path if it has one: "
        "`https://example.com/bureau`; if empty, made from BIND.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Additional host names by which the gateway is reached, separated by commas: `gateway,10.0.0.5`.",
    )
    keys_file: Path | None = Field(
        default=None,
        description="A file of keys in addition to those in the ledger, with lines `owner role key`; it is read again "
        "when it changes.",
    )
    rate_limit_per_minute: int = Field(
        default=1200,
        ge=0,
        le=1_000_000,
        description="The rate limit of each key, in requests per minute; 0 means no limit.",
    )
    link_secret: SecretStr = Field(
        default=SecretStr(""),
        description="The secret that signs links, 32 characters or more; if empty, the ledger keeps one.",
    )
    certificates_public_keys: SecretStr = Field(  # public, but secret so that its *_FILE works
        default=SecretStr(""),
        description="The public keys of ISSUER_SIGNING_KEY, for the page that QR codes link to; several, including "
        "former ones, separated by commas.",
    )
    sendgrid_events_key: str = Field(
        default="",
        description="The verification key of SendGrid's event webhook; without it, events are refused.",
    )
    # SendGrid repeats events for 24 h if they were not answered with 2xx, and signs each attempt anew.
    sendgrid_events_window_seconds: int = Field(
        default=600, gt=0, le=86_400, description="How old the signature of SendGrid's events may be."
    )
    max_body_bytes: int = Field(default=100_000_000, gt=0, description="The maximum size of a request's body.")
    max_json_bytes: int = Field(
        default=16_000_000, gt=0, description="The maximum size of a JSON body, which is read into memory."
    )
    max_files: int = Field(
        default=MAX_FILES, gt=0, le=MAX_FILES, description="The maximum number of files in a request."
    )
    max_file_bytes: int = Field(default=25_000_000, gt=0, description="The maximum size of one file.")
    max_wait_seconds: int = Field(
        default=30, ge=0, le=300, description="The longest wait that `Prefer: wait` may request."
    )
    metrics_bind: str = Field(
        default="",
        pattern=r"^$|^.+:\d+$",
        description="`host:port` for `/metrics` of the gateway, or of everything in one process.",
    )
    web_concurrency: int = Field(default=1, ge=1, le=64, description="The number of Gunicorn processes.")
    # A waiting request holds a thread; idle threads cost little (5 MB for 256).
    web_threads: int = Field(default=32, ge=2, le=1000, description="The number of threads in each process.")
    max_streams: int | None = Field(
        default=None,
        ge=0,
        le=999,
        description="The maximum number of concurrent event streams in each process, fewer than WEB_THREADS because "
        "each stream holds a thread; if unset, half of WEB_THREADS.",
    )
    max_stream_seconds: float = Field(
        default=600, gt=0, le=86_400, description="How long an event stream lasts; its client then reconnects."
    )

    @model_validator(mode="before")
    @classmethod
    def _bind_to_port(cls, given: dict[str, Any]) -> dict[str, Any]:
        port = str(given.get("port") or "")
        return {**given, "bind": f"0.0.0.0:{port}"} if port.isdecimal() and not given.get("bind") else given

    @field_validator("bind")
    @classmethod
    def _address(cls, value: str) -> str:
        """Checks the form only.

        Whether the address may be reachable from other machines depends on keys: see `auth.exposure`.
        """
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
        path = parts.path.rstrip("/")
        if not _PATH.fullmatch(path) or {".", ".."} & set(unquote(path).split("/")):
            raise ValueError("use a path of letters, digits, dots, hyphens and underscores, such as /bureau")
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
    def sendgrid_key(self) -> "EllipticCurvePublicKey | None":
        return sendgrid.public_key(self.sendgrid_events_key) if self.sendgrid_events_key else None

    @property
    def stream_limit(self) -> int:
        """Returns the maximum number of concurrent event streams in this process."""
        return self.web_threads // 2 if self.max_streams is None else self.max_streams

    @property
    def wait_limit(self) -> int:
        """Returns the maximum number of waiting requests in this process.

        Together with the streams they leave threads to others.
        """
        return max(1, self.web_threads // 4)

    @property
    def address(self) -> tuple[str, int]:
        """Returns host and port. Raises `SettingsError` if a Unix socket was given instead."""
        if self.bind.startswith("unix:"):
            raise SettingsError(["BIND: this process listens on host:port only, such as 127.0.0.1:8600"])
        parts = urlsplit(f"//{self.bind}")
        return parts.hostname or "", parts.port or 0

    @property
    def root(self) -> str:
        """Returns the path of the gateway's address, without a slash at its end: empty, or such as `/bureau`."""
        return urlsplit(self.base_url).path

    @property
    def base_url(self) -> str:
        """Returns the absolute URL without a slash at its end, for links that are used outside the gateway."""
        if self.public_url:
            return self.public_url
        if self.bind.startswith("unix:"):
            return "http://localhost"
        host, port = self.address
        return f"http://localhost:{port}" if host in ("", "0.0.0.0", "::") else f"http://{self.bind}"  # noqa: S104


_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+)*", re.ASCII)


def key_list(value: SecretStr) -> list[str]:
    return value.get_secret_value().replace(",", " ").split()


def bind_host(bind: str) -> str | None:
    """Returns the host of `host:port`; None if the text does not have that form."""
    try:
        parts = urlsplit(f"//{bind}")
        well_formed = parts.port is not None and parts.netloc == bind and "@" not in bind and not parts.path
    except ValueError:
        return None
    return (parts.hostname or "") if well_formed else None


def is_loopback(host: str) -> bool:
    """Returns whether a host's name or address means only this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
