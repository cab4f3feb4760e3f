"""The transports under test, each with the provider it hands mail to and what that got."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from bureau.services.mailer.transports.base import Transport
from bureau.services.mailer.transports.console import ConsoleTransport
from bureau.services.mailer.transports.file import FileTransport
from bureau.services.mailer.transports.sendgrid import SendGridTransport
from bureau.services.mailer.transports.smtp import SmtpTransport
from bureau.services.mailer.transports.smtp_server import SmtpServer
from tests.support.servers.mail_servers import MailServer, mail_server, sendgrid_server

KEY = "SG.test"


@dataclass(frozen=True)
class Provider:
    """A transport and the other side. `knows`: it can say whether a mail was sent.

    `reaches_any_script`: it takes addresses that are not ASCII.
    """

    transport: Transport
    counts: Callable[[], Counter[str]]
    recipients: Callable[[], list[str]]  # of all mails
    knows: bool = False
    reaches_any_script: bool = True


@pytest.fixture(params=["one command at a time", "PIPELINING"])
def server(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    with mail_server(pipelining=request.param == "PIPELINING") as running:
        yield running


@pytest.fixture
def smtp(server: MailServer) -> Iterator[SmtpTransport]:
    """On `server`."""
    transport = SmtpTransport(SmtpServer.from_url(server.url))
    yield transport
    transport.close()


@pytest.fixture(params=["file", "smtp", "smtp with SMTPUTF8", "smtp with PIPELINING", "sendgrid", "console"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Provider]:
    match request.param:
        case "file":
            yield _file(tmp_path / "out" / "box")
        case "smtp" | "smtp with SMTPUTF8" | "smtp with PIPELINING" as kind:
            with mail_server(smtputf8=kind.endswith("SMTPUTF8"), pipelining=kind.endswith("PIPELINING")) as server:
                transport = SmtpTransport(SmtpServer.from_url(server.url))
                yield Provider(
                    transport,
                    lambda: server.counts,
                    lambda: [address for mail in server.mails for address in mail.recipients],
                    reaches_any_script=server.smtputf8,
                )
                transport.close()
        case "sendgrid":
            with sendgrid_server(key=KEY) as sendgrid:
                yield Provider(
                    SendGridTransport(KEY, url=sendgrid.url),
                    lambda: sendgrid.counts,
                    lambda: [address for mail in sendgrid.mails for address in _addressed(mail)],
                )
        case _:
            stream = io.StringIO()
            yield Provider(
                ConsoleTransport(stream),
                lambda: Counter(_values(stream, "Message-ID: ")),
                lambda: [address for line in _values(stream, "For: ") for address in line.split(", ")],
            )


def _file(folder: Path) -> Provider:
    def mails() -> list[EmailMessage]:
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]

    return Provider(
        FileTransport(folder),
        lambda: Counter(str(mail["Message-ID"]) for mail in mails()),
        lambda: [address.strip() for mail in mails() for address in mail["X-Envelope-To"].split(",")],
        knows=True,
    )


def _addressed(mail: dict[str, Any]) -> list[str]:
    return [
        box["email"] for one in mail["personalizations"] for kind in ("to", "cc", "bcc") for box in one.get(kind, [])
    ]


def _values(stream: io.StringIO, start: str) -> list[str]:
    return [line.removeprefix(start) for line in stream.getvalue().splitlines() if line.startswith(start)]
