"""Runs the steps of a mail transaction on one SMTP connection; each step returns a reply."""

import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from bureau.contracts.base import clean_text
from bureau.services.mailer.transports.interruptible_socket import InterruptibleSocket
from bureau.services.mailer.transports.smtp_extensions import Offer
from bureau.services.mailer.transports.smtp_server import Encryption, SmtpServer

_DOT_AT_LINE_START = re.compile(rb"(?m)^\.")
_MAX_REPLY = 500
_ACCEPTED = range(200, 300)
START_MAIL = 354
_LEAVING = 421


@dataclass(frozen=True)
class SmtpReply:
    """Holds a server's answer; `text` is its code and words, safe to show."""

    code: int
    text: str

    @classmethod
    def of(cls, answer: tuple[int, bytes]) -> "SmtpReply":
        words = " ".join(clean_text(answer[1].decode("utf-8", "replace")).split())
        return cls(answer[0], f"{answer[0]} {words}"[:_MAX_REPLY])

    @property
    def accepted(self) -> bool:
        return self.code in _ACCEPTED

    @property
    def for_now(self) -> bool:
        """Returns whether it is a temporary refusal (4xx)."""
        return 400 <= self.code < 500


class SmtpSession(smtplib.SMTP):
    """Represents a connection that `begin` greets, encrypts and logs in. Raises smtplib's errors and OSError."""

    def __init__(
        self, server: SmtpServer, context: ssl.SSLContext, wire: InterruptibleSocket, connect_timeout: float
    ) -> None:
        self._server = server
        self._context = context
        self._wire = wire
        self.idle_since = 0.0  # monotonic; set by the pool
        self._ahead = False
        super().__init__(local_hostname=_own_name(), timeout=connect_timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # This is smtplib's own seam: SMTP_SSL overrides it too.
        sock = self._wire.connect(host, port, timeout)
        if self._server.encryption is not Encryption.TLS:
            return sock
        wrapped = self._context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self._wire.attach(wrapped)
        wrapped.do_handshake()
        return wrapped

    def begin(self, read_timeout: float) -> None:
        """Connects, encrypts and logs in, so that a mail may follow."""
        server = self._server
        self._host = server.host  # starttls verifies the certificate against it
        greeting = self.connect(server.host, server.port)
        if greeting[0] != 220:
            raise smtplib.SMTPConnectError(*greeting)
        self._socket().settimeout(read_timeout)
        self.ehlo_or_helo_if_needed()
        required = server.encryption is Encryption.REQUIRED
        if required or (server.encryption is Encryption.OFFERED and self.has_extn("starttls")):
            self.starttls(context=self._context)
            self._wire.attach(self._socket())
            self.ehlo_or_helo_if_needed()
        if server.user is not None:
            self.login(server.user, server.password or "")

    def use(self, wire: InterruptibleSocket, read_timeout: float) -> None:
        """Attaches the next mail's socket wrapper in place of the last one's.

        Raises if the server sent data unasked meanwhile.
        """
        sock = self._socket()
        if self._has_spoken(sock):
            raise smtplib.SMTPServerDisconnected("the server sent more than the expected answer")
        sock.settimeout(read_timeout)
        wire.attach(sock)

    def reset(self) -> None:
        """Resets the transaction; a connection that cannot be reset is closed."""
        try:
            self.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def check(self) -> None:
        """Checks that the connection is alive, and raises if not."""
        _read(self.rset())

    @property
    def ahead(self) -> bool:
        """Returns whether RCPT TO and DATA were sent with MAIL FROM, so that their answers must be read in any case."""
        return self._ahead

    @property
    def pipelines(self) -> bool:
        """Returns whether the server takes several commands at once (PIPELINING, RFC 2920)."""
        return self.has_extn("pipelining")

    def sender(self, address: str, size: int, options: Sequence[str], recipients: Sequence[str]) -> SmtpReply:
        """Sends MAIL FROM, with the size if the server wants it. After SMTPUTF8, commands are in UTF-8.

        A server that pipelines gets RCPT TO for each recipient and DATA with it: one round trip in place of three.
        """
        options = [*([f"size={size}"] if self.has_extn("size") else []), *options]
        if not self.pipelines:
            return _read(self.mail(address, options))
        encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
        commands = [" ".join([f"MAIL FROM:{smtplib.quoteaddr(address)}", *options])]
        commands += [f"RCPT TO:{smtplib.quoteaddr(recipient)}" for recipient in recipients]
        lines = "".join(f"{command}\r\n" for command in [*commands, "DATA"])
        if lines.count("\r") + lines.count("\n") != 2 * (len(commands) + 1):
            raise ValueError("an address with a line break would be another command")
        self.send(lines.encode(encoding))
        self._ahead = True
        return _read(self.getreply())

    @property
    def offer(self) -> Offer:
        """Returns what the server offered in EHLO."""
        return Offer(smtputf8=self.has_extn("smtputf8"), eight_bit_mime=self.has_extn("8bitmime"))

    @property
    def size_limit(self) -> int | None:
        """Returns the largest message that the server accepts, from EHLO (RFC 1870); None if it names none."""
        named = str(self.esmtp_features.get("size", "")).strip()
        return int(named) if named.isdigit() and int(named) > 0 else None

    def recipient(self, address: str) -> SmtpReply:
        """Returns the answer for a recipient; they are asked for in the order of `sender`."""
        return _read(self.getreply() if self._ahead else self.rcpt(address))

    def data_command(self) -> SmtpReply:
        """Returns the answer to DATA; the reply `START_MAIL` asks for the message."""
        ahead, self._ahead = self._ahead, False
        return _read(self.getreply() if ahead else self.docmd("DATA"), good=range(START_MAIL, START_MAIL + 1))

    def content(self, message: bytes, timeout: float) -> None:
        """Sends the message without the final dot; without the dot a server must not accept it."""
        self._socket().settimeout(timeout)
        if message.startswith(b".") or b"\n." in message:
            message = _DOT_AT_LINE_START.sub(b"..", message)
        self.send(message)

    def end_of_data(self) -> SmtpReply:
        """Sends the final dot and returns the answer; from here on the mail may be accepted without our knowing."""
        self.send(b".\r\n")
        return _read(self.getreply(), leaving_counts=True)

    def _has_spoken(self, sock: socket.socket) -> bool:
        """Returns whether an unrequested answer waits: it would be taken for the answer to the next command."""
        if self.file is None:
            return False
        sock.settimeout(0)
        try:
            return bool(self.file.peek(1))
        except ssl.SSLWantReadError:  # a plain socket without data returns nothing
            return False

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the server closed the connection")
        return self.sock


def _read(answer: tuple[int, bytes], *, good: range = _ACCEPTED, leaving_counts: bool = False) -> SmtpReply:
    """Returns the reply. Raises for one that says nothing about the mail: garbage, or 421 (the server is leaving)."""
    reply = SmtpReply.of(answer)
    known = reply.code in good or 400 <= reply.code < 600
    if not known or (reply.code == _LEAVING and not leaving_counts):
        raise smtplib.SMTPResponseException(*answer)
    return reply


def _own_name() -> str:
    """Returns the name for EHLO: one with a dot, else an address literal. smtplib would ask DNS, maybe for seconds."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
