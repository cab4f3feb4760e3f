"""Provides mail providers for tests: an SMTP server and a SendGrid that take mail, refuse it, hang, or break off."""

import asyncio
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.servers.http_servers import Behaviour, HttpExchange, HttpServer, http_server


class Trouble(StrEnum):
    """Names what a server does instead of answering."""

    HANG = "hang"
    DROP = "drop"  # breaks the connection off


@dataclass(frozen=True)
class ReceivedMail:
    """Holds a mail that the server accepted. `user` logged in; `connection` is the client's port."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    connection: int
    encrypted: bool
    user: str | None
    options: tuple[str, ...]  # of MAIL FROM, but for SIZE

    @property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"])


@dataclass
class MailServer:
    """Runs an SMTP server. The answers are `None` for a good one and may be changed while it runs.

    `to_content` as a `Trouble` accepts the mail first, without the sender learning of it. `in_data` comes after 354,
    before the mail is read to its end, so that it is not accepted.
    """

    greeting: str | Trouble | None = None
    to_sender: str | Trouble | None = None
    to_recipients: dict[str, str] = field(default_factory=dict)
    to_data: str | Trouble | None = None
    in_data: Trouble | None = None
    to_content: str | Trouble | None = None
    seconds: float = 0.0  # how long it thinks about each mail
    mails_per_connection: int | None = None
    smtputf8: bool = False  # whether it offers these, from the next connection on
    eight_bit_mime: bool = True
    pipelining: bool = False
    login: tuple[str, str] | None = None
    starttls: ssl.SSLContext | None = None
    port: int = 0
    connections: int = 0
    waiting: int = 0  # clients that meet a HANG right now
    mails: list[ReceivedMail] = field(default_factory=list)
    hang_up: Callable[[], None] = lambda: None  # breaks off all connections, those that HANG too

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def counts(self) -> Counter[str]:
        """How often each Message-ID was accepted."""
        return Counter(mail.message_id for mail in list(self.mails))


class _Connection(SMTP):
    def __init__(self, server: MailServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        super().__init__(
            _Handler(server),
            loop=loop,
            hostname="mail.test",
            enable_SMTPUTF8=server.smtputf8,
            tls_context=server.starttls,
            authenticator=self._authenticated,
            auth_required=server.login is not None,
            auth_require_tls=server.starttls is not None,
        )

    @property
    def encrypted(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is not None

    async def act(self, answer: str | Trouble) -> str:
        """The answer; for a `Trouble` none ever comes: the coroutine is cancelled when the connection ends."""
        if not isinstance(answer, Trouble):
            return answer
        if answer is Trouble.DROP and self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]
        self._server.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self._server.waiting -= 1
        raise AssertionError("nothing sets this event")

    async def _handle_client(self) -> None:
        self._server.connections += 1
        if self._server.greeting is None:
            await super()._handle_client()
            return
        await self.push(await self.act(self._server.greeting))
        self._writer.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name aiosmtpd looks for
        to_data, in_data = self._server.to_data, self._server.in_data  # of this mail, whatever changes meanwhile
        if to_data is not None:
            await self.push(await self.act(to_data))
        elif in_data is not None:
            await self.push("354 go on")
            await self._reader.readline()
            await self.act(in_data)
        else:
            await super().smtp_DATA(arg)

    def _authenticated(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and self._server.login == (
            given.login.decode(),
            given.password.decode(),
        )
        return AuthResult(success=right, handled=False, auth_data=given.login.decode() if right else None)


class _Handler:
    """Handles one connection."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._mails = 0

    async def handle_EHLO(  # noqa: N802
        self, _connection: _Connection, session: Session, _envelope: Envelope, hostname: str, offers: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offers = [offer for offer in offers if self._server.eight_bit_mime or not offer.endswith("8BITMIME")]
        return [*(["250-PIPELINING"] if self._server.pipelining else []), *offers]

    async def handle_MAIL(  # noqa: N802
        self, connection: _Connection, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._server.mails_per_connection is not None and self._mails >= self._server.mails_per_connection:
            return "421 enough from you"
        if self._server.to_sender is not None:
            return await connection.act(self._server.to_sender)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _connection: _Connection, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self._server.to_recipients:
            return self._server.to_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, connection: _Connection, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._mails += 1
        await asyncio.sleep(self._server.seconds)
        answer = self._server.to_content
        if answer is None or isinstance(answer, Trouble):
            self._server.mails.append(
                ReceivedMail(
                    sender=str(envelope.mail_from),
                    recipients=tuple(envelope.rcpt_tos),
                    raw=bytes(envelope.original_content or b""),
                    connection=session.peer[1] if session.peer else 0,  # type: ignore[arg-type]
                    encrypted=connection.encrypted,
                    user=session.auth_data,
                    options=tuple(one for one in envelope.mail_options if not one.startswith("SIZE=")),
                )
            )
        return "250 2.0.0 queued as 4711" if answer is None else await connection.act(answer)


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, **answers: Any) -> Iterator[MailServer]:
    """A server on a free loopback port; `tls` from the first byte. `answers` are fields of `MailServer`."""
    server = MailServer(**answers)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="mail server", daemon=True)
    thread.start()
    # In its thread, because a browser's test has a loop of its own in this one.
    listener = asyncio.run_coroutine_threadsafe(
        loop.create_server(lambda: _Connection(server, loop), "127.0.0.1", server.port, ssl=tls), loop
    ).result(30)
    server.hang_up = lambda: asyncio.run_coroutine_threadsafe(_hang_up(), loop).result(5)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_close(listener), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _close(listener: asyncio.AbstractServer) -> None:
    listener.close()
    await _hang_up()


async def _hang_up() -> None:
    connections = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in connections:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*connections, return_exceptions=True)


@dataclass
class SendGridServer:
    """Implements as much of v3/mail/send as decides whether a mail is taken. `mails` are the bodies of taken mails."""

    key: str
    http: HttpServer = field(default_factory=lambda: HttpServer(""))
    mails: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.http.url

    @property
    def counts(self) -> Counter[str]:
        return Counter(mail["headers"]["Message-ID"] for mail in list(self.mails))

    def take(self, exchange: HttpExchange) -> None:
        """Answers 202, or SendGrid's own refusal."""
        received = exchange.received
        if (received.method, received.path) != ("POST", "/v3/mail/send"):
            return _answer(exchange, 404, [{"message": f"no {received.path}", "field": None}])
        if received.headers.get("Authorization") != f"Bearer {self.key}":
            return _answer(exchange, 401, [{"message": "The provided authorization grant is invalid", "field": None}])
        body = json.loads(received.body)
        if wrong := list(_errors(body)):
            return _answer(exchange, 400, wrong)
        self.mails.append(body)
        return _answer(exchange, 202, [])

    def take_and_break_off(self, exchange: HttpExchange) -> None:
        """The mail is taken, the answer lost."""
        self.mails.append(json.loads(exchange.received.body))
        exchange.reset()

    def take_and_hang(self, exchange: HttpExchange) -> None:
        self.mails.append(json.loads(exchange.received.body))
        exchange.wait_until_client_leaves()


def _answer(exchange: HttpExchange, status: int, errors: Sequence[dict[str, Any]]) -> None:
    body = json.dumps({"errors": errors}).encode() if errors else b""
    exchange.start(status, {"Content-Length": str(len(body)), "X-Message-Id": "sg-4711"})
    exchange.write(body)


def _errors(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What SendGrid's reference forbids and answers 400 for."""
    for number, one in enumerate(body.get("personalizations") or [{}]):
        addresses = [box["email"].lower() for kind in ("to", "cc", "bcc") for box in one.get(kind, [])]
        if not one.get("to"):
            yield {"message": "The to array is required", "field": f"personalizations.{number}.to"}
        if len(addresses) != len(set(addresses)):
            yield {"message": "Each email address should be unique", "field": f"personalizations.{number}"}
    if not body.get("subject"):
        yield {"message": "The subject is required", "field": "subject"}
    for part in body.get("content") or [{}]:
        if not part.get("value"):
            yield {"message": "The content value must be a string at least one character in length", "field": "content"}
    for attachment in body.get("attachments", []):
        if not attachment["filename"].isascii():
            yield {"message": "The filename is not ASCII", "field": "attachments.filename"}


@contextmanager
def sendgrid_server(*behaviours: Behaviour, key: str = "SG.test") -> Iterator[SendGridServer]:
    """Requests meet the behaviours one after the other; when they are used up, `take`."""
    server = SendGridServer(key)
    with http_server(*behaviours, server.take) as server.http:
        yield server
