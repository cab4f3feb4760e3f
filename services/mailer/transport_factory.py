"""Creates the transports that the settings name.

To add a transport, add its class here, its scheme in `transports/urls.py`, and its case in the conformance suite
(`tests/contract/transports`).
"""

from collections import Counter
from pathlib import Path
from urllib.parse import unquote

from bureau.services.mailer.settings import MailerSettings
from bureau.services.mailer.transports.base import Transport
from bureau.services.mailer.transports.circuit_breaker import CircuitBreaker
from bureau.services.mailer.transports.console import ConsoleTransport
from bureau.services.mailer.transports.failover import FailoverRoute, TransportEntry
from bureau.services.mailer.transports.file import FileTransport
from bureau.services.mailer.transports.smtp import SmtpTransport
from bureau.services.mailer.transports.smtp_server import SmtpServer


def choose(settings: MailerSettings) -> FailoverRoute:
    """Returns the transports of MAIL_URL in their order. No connection is opened yet."""
    stops: list[TransportEntry] = []
    seen: Counter[str] = Counter()
    for one in settings.mail_urls:
        transport = _transport(one.url, settings)
        seen[transport.name] += 1
        number = seen[transport.name]
        name = transport.name if number == 1 else f"{transport.name}{number}"
        stops.append(TransportEntry(name, transport, CircuitBreaker(one.rate)))
    return FailoverRoute(stops)


def _transport(url: str, settings: MailerSettings) -> Transport:
    match url.partition("://")[0]:
        case "file":
            return FileTransport(_folder(url))
        case "console":
            return ConsoleTransport()
        case "sendgrid":
            # Imported here, because the package takes a tenth of a second to import and few mailers use it.
            from bureau.services.mailer.transports.sendgrid import SendGridTransport

            return SendGridTransport(
                settings.sendgrid_api_key.get_secret_value(),
                url=settings.sendgrid_api_url,
                connect_timeout_seconds=settings.mail_connect_timeout_seconds,
                timeout_seconds=settings.sendgrid_timeout_seconds,
                sandbox=settings.sendgrid_sandbox,
            )
        case _:
            return SmtpTransport(
                SmtpServer.from_url(url),
                connect_timeout_seconds=settings.mail_connect_timeout_seconds,
                read_timeout_seconds=settings.mail_read_timeout_seconds,
            )


def _folder(url: str) -> Path:
    """Returns the folder of a URL.

    `file://var/outbox` is relative to the working directory, `file:///var/outbox` absolute.
    """
    return Path(unquote(url.removeprefix("file://")))
