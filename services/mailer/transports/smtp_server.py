"""Reads the mail server and its options from an `smtp://` or `smtps://` URL."""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_FORM = "write smtp://user:password@host:port?starttls=required, and / ? # @ in a password as %2F %3F %23 %40"
_STARTTLS = ("required", "offered", "never")


class Encryption(StrEnum):
    """Says how the connection is encrypted.

    The certificate is always verified (`SSL_CERT_FILE` names other authorities).
    """

    TLS = "tls"  # from the first byte: smtps://
    REQUIRED = "required"  # STARTTLS, or no mail
    OFFERED = "offered"  # STARTTLS if the server offers it
    NEVER = "never"


@dataclass(frozen=True)
class SmtpServer:
    """Describes a mail server and the credentials for it."""

    host: str
    port: int
    encryption: Encryption
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"the mail server {self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> "SmtpServer":
        """Parses `smtp://user:password@host:port?starttls=required|offered|never` or `smtps://…`. Raises ValueError.

        Ports default to 25 and 465; `starttls` to `required` with a password, otherwise to `offered`.
        """
        parts, port = _split(url)
        if not parts.hostname or parts.path.strip("/"):
            raise ValueError(_FORM)
        user, password = _credential(parts.username, "user"), _credential(parts.password, "password")
        return cls(
            host=parts.hostname,
            port=port or (465 if parts.scheme == "smtps" else 25),
            encryption=_encryption(parts.scheme, parts.query, has_password=password is not None),
            user=user,
            password=password,
        )


def _split(url: str) -> tuple[SplitResult, int | None]:
    """Splits a URL. `urllib` quotes what it cannot parse, maybe a piece of the password, so its message is dropped."""
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        raise ValueError(_FORM) from None


def _credential(quoted: str | None, what: str) -> str | None:
    if not quoted:
        return None
    text = unquote(quoted)
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"the {what} may hold ASCII only, special characters as %xx")  # smtplib's AUTH
    return text


def _encryption(scheme: str, query: str, *, has_password: bool) -> Encryption:
    options = parse_qs(query, keep_blank_values=True)
    known = {"starttls"} if scheme == "smtp" else set()
    if options.keys() - known:
        raise ValueError("smtp:// has one option, starttls; smtps:// has none")
    if scheme == "smtps":
        return Encryption.TLS
    starttls = options.get("starttls", ["required" if has_password else "offered"])[-1]
    if starttls not in _STARTTLS:
        raise ValueError(f"starttls is one of {', '.join(_STARTTLS)}")
    return Encryption(starttls)
