"""The transport that the settings name. Adding one: its class here and its scheme in `settings`, its case in the
conformance suite (`tests/contract/transports`)."""

from pathlib import Path
from urllib.parse import unquote

from services.mailer.settings import MailerSettings
from services.mailer.transports.base import Transport
from services.mailer.transports.console import ConsoleTransport
from services.mailer.transports.file import FileTransport
from services.mailer.transports.sendgrid import SendGridTransport
from services.mailer.transports.smtp import SmtpTransport
from services.mailer.transports.smtp_server import SmtpServer


def choose(settings: MailerSettings) -> Transport:
    """No connection is made yet."""
    url = settings.mail_url.get_secret_value()
    match url.partition("://")[0]:
        case "file":
            return FileTransport(_folder(url))
        case "console":
            return ConsoleTransport()
        case "sendgrid":
            return SendGridTransport(
                settings.sendgrid_api_key.get_secret_value(),
                url=settings.sendgrid_api_url,
                connect_timeout_seconds=settings.mail_connect_timeout_seconds,
                timeout_seconds=settings.sendgrid_timeout_seconds,
            )
        case _:
            return SmtpTransport(
                SmtpServer.from_url(url),
                connect_timeout_seconds=settings.mail_connect_timeout_seconds,
                read_timeout_seconds=settings.mail_read_timeout_seconds,
            )


def _folder(url: str) -> Path:
    """`file://var/outbox` is relative to the working directory, `file:///var/outbox` absolute."""
    return Path(unquote(url.removeprefix("file://")))
