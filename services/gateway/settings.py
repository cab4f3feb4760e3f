"""The gateway's settings: where it listens, how it is reached, and its limits."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from bureau.contracts.certificates import MAX_FILES
from bureau.contracts.mail import MAX_CONTEXT_BYTES, MAX_RECIPIENTS
from bureau.settings import Settings, SettingsError


class GatewaySettings(Settings):
    """Limits are refused by these names and their values."""

    bind: str = Field(default="127.0.0.1:8600", description="host:port, [::1]:port or unix:/path.")
    public_url: str = Field(default="", description="How clients reach the gateway; from BIND when empty.")
    max_body_bytes: int = Field(default=100_000_000, gt=0, description="A request's body.")
    max_json_bytes: int = Field(default=16_000_000, gt=0, description="A JSON body: it is read into memory.")
    max_files: int = Field(default=MAX_FILES, gt=0, le=MAX_FILES, description="Files in a request.")
    max_file_bytes: int = Field(default=25_000_000, gt=0, description="One file.")
    max_context_bytes: int = Field(
        default=MAX_CONTEXT_BYTES, gt=0, le=MAX_CONTEXT_BYTES, description="A mail's context."
    )
    max_recipients: int = Field(default=MAX_RECIPIENTS, gt=0, le=MAX_RECIPIENTS, description="Of a mail, all together.")
    max_wait_seconds: int = Field(default=30, ge=0, le=300, description="What `Prefer: wait` may ask for.")
    web_concurrency: int = Field(default=1, ge=1, le=64, description="Gunicorn processes.")
    # A request that waits holds a thread; idle ones cost little (5 MB for 256).
    web_threads: int = Field(default=32, ge=2, le=1000, description="Threads of each.")

    @field_validator("bind")
    @classmethod
    def _loopback_only(cls, value: str) -> str:
        if value.startswith("unix:"):
            return value
        host = bind_host(value)
        if host is None:
            raise ValueError("use host:port such as 127.0.0.1:8600, [::1]:8600, or unix:/path")
        if not is_loopback(host):
            raise ValueError(
                f"without keys the gateway listens on loopback only, and {host or 'an empty host'} is reachable from "
                "elsewhere; use 127.0.0.1:8600 and put a proxy that asks who is there in front of it"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("use an address such as https://bureau.example.com")
        return value.rstrip("/")

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
        return "http://localhost" if self.bind.startswith("unix:") else f"http://{self.bind}"


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
