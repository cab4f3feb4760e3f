"""One SMTP connection and the steps of a mail transaction on it, each a reply."""

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
class Reply:
    """A server's answer; `text` is its words with the code, fit to be shown."""

    code: int
    text: str

    @classmethod
    def of(cls, answer: tuple[int, bytes]) -> "Reply":
        words = " ".join(clean_text(answer[1].decode("utf-8", "replace")).split())
        return cls(answer[0], f"{answer[0]} {words}"[:_MAX_REPLY])

    @property
    def accepted(self) -> bool:
        return self.code in _ACCEPTED

    @property
    def for_now(self) -> bool:
        """Refused, but may be accepted later (4xx)."""
        return 400 <= self.code < 500


class SmtpSession(smtplib.SMTP):
    """A connection that is greeted, encrypted and logged in by `begin`. Raises smtplib's errors and OSError."""

    def __init__(
        self, server: SmtpServer, context: ssl.SSLContext, wire: InterruptibleSocket, connect_timeout: float
    ) -> None:
        self._server = server
        self._context = context
        self._wire = wire
        self.idle_since = 0.0  # monotonic; kept by the pool
        super().__init__(local_hostname=_own_name(), timeout=connect_timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # smtplib's own seam: SMTP_SSL overrides it too.
        sock = self._wire.connect(host, port, timeout)
        if self._server.encryption is not Encryption.TLS:
            return sock
        wrapped = self._context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self._wire.attach(wrapped)
        wrapped.do_handshake()
        return wrapped

    def begin(self, read_timeout: float) -> None:
        """Everything up to where a mail may follow."""
        server = self._server
        self._host = server.host  # what starttls verifies the certificate against
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
        """Puts the next mail's wire in the place of the last one's. Raises where the server spoke unasked meanwhile."""
        sock = self._socket()
        if self._has_spoken(sock):
            raise smtplib.SMTPServerDisconnected("the server said more than it was asked")
        sock.settimeout(read_timeout)
        wire.attach(sock)

    def reset(self) -> None:
        """Forgets the transaction; a connection that cannot is closed."""
        try:
            self.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def check(self) -> None:
        """Asks for nothing. Raises where the connection is no more."""
        _read(self.rset())

    def sender(self, address: str, size: int, options: Sequence[str]) -> Reply:
        """MAIL FROM, with the size where the server wants to know. SMTPUTF8 sends commands in UTF-8 from here on."""
        return _read(self.mail(address, [*([f"size={size}"] if self.has_extn("size") else []), *options]))

    @property
    def offer(self) -> Offer:
        """What it said in EHLO."""
        return Offer(smtputf8=self.has_extn("smtputf8"), eight_bit_mime=self.has_extn("8bitmime"))

    @property
    def size_limit(self) -> int | None:
        """The largest message the server takes, from EHLO (RFC 1870); None where it names none."""
        named = str(self.esmtp_features.get("size", "")).strip()
        return int(named) if named.isdigit() and int(named) > 0 else None

    def recipient(self, address: str) -> Reply:
        return _read(self.rcpt(address))

    def data_command(self) -> Reply:
        """DATA: `START_MAIL` asks for the message."""
        return _read(self.docmd("DATA"), good=range(START_MAIL, START_MAIL + 1))

    def content(self, message: bytes, timeout: float) -> None:
        """The message up to its last line, not the dot that ends it: without that a server must not accept it."""
        self._socket().settimeout(timeout)
        if message.startswith(b".") or b"\n." in message:
            message = _DOT_AT_LINE_START.sub(b"..", message)
        self.send(message)

    def end_of_data(self) -> Reply:
        """The dot, and the answer: from here on the mail may be accepted without our learning of it."""
        self.send(b".\r\n")
        return _read(self.getreply(), leaving_counts=True)

    def _has_spoken(self, sock: socket.socket) -> bool:
        """Whether an answer waits that no command asked for: it would be taken for that to the next one."""
        if self.file is None:
            return False
        sock.settimeout(0)
        try:
            return bool(self.file.peek(1))
        except ssl.SSLWantReadError:  # a plain socket that has nothing gives nothing
            return False

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the server closed the connection")
        return self.sock


def _read(answer: tuple[int, bytes], *, good: range = _ACCEPTED, leaving_counts: bool = False) -> Reply:
    """The reply. Raises for one that says nothing of the mail: garbage, or 421, the server is leaving."""
    reply = Reply.of(answer)
    known = reply.code in good or 400 <= reply.code < 600
    if not known or (reply.code == _LEAVING and not leaving_counts):
        raise smtplib.SMTPResponseException(*answer)
    return reply


def _own_name() -> str:
    """For EHLO: a name with a dot, else an address literal. smtplib would ask DNS, which may take seconds."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
