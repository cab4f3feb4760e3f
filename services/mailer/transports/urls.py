"""Parses MAIL_URL: one or several transports, in the order in which they are tried."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from bureau.services.mailer.transports.smtp_server import SmtpServer

_FORMS = "use file://folder, console://, smtp://user:password@host:port, smtps://… or sendgrid://"
_SEVERAL = "separate several by commas, and write a comma in a password as %2C"
_RATES = "rate is the number of mails per second of each process, above 0, such as 5 or 0.5"


@dataclass(frozen=True)
class MailUrl:
    """Holds the URL of one transport. `rate` is the limit of mails per second of each process; None is no limit."""

    url: str
    rate: float | None = None

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]


def mail_urls(text: str) -> tuple[MailUrl, ...]:
    """Parses a list such as `smtp://a?rate=5,sendgrid://`. Raises ValueError, whose text contains no password."""
    found = tuple(_mail_url(piece.strip()) for piece in text.split(","))
    if len({one.url for one in found}) < len(found):
        raise ValueError("a transport is listed twice")
    return found


def _mail_url(text: str) -> MailUrl:
    url, rate = _without_rate(text)
    scheme = url.partition("://")[0]
    if scheme in ("smtp", "smtps"):
        SmtpServer.from_url(url)
    elif scheme not in ("file", "console", "sendgrid") or url == "file://":
        raise ValueError(f"{_FORMS}; {_SEVERAL}")
    return MailUrl(url, rate)


def _without_rate(text: str) -> tuple[str, float | None]:
    before, mark, query = text.rpartition("?")
    if not mark or "rate=" not in query:
        return text, None
    options = parse_qsl(query, keep_blank_values=True)
    try:
        rate = float(dict(options)["rate"])
    except (KeyError, ValueError):
        raise ValueError(_RATES) from None
    if not 0 < rate <= 100_000:
        raise ValueError(_RATES)
    rest = urlencode([(name, value) for name, value in options if name != "rate"])
    return f"{before}?{rest}" if rest else before, rate
