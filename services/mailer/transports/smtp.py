"""Sends mail over SMTP, one transaction per mail, on connections that are kept."""

import smtplib
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS
from bureau.services.mailer.message.message import Message
from bureau.services.mailer.transports.base import (
    END_WITHIN_SECONDS,
    AnswerLost,
    DeliveryWindow,
    SendResult,
    TransportUnavailable,
    Verdict,
)
from bureau.services.mailer.transports.interruptible_socket import InterruptibleSocket
from bureau.services.mailer.transports.smtp_extensions import CANNOT, EnvelopePlan, plan
from bureau.services.mailer.transports.smtp_server import SmtpServer
from bureau.services.mailer.transports.smtp_session import START_MAIL, SmtpReply, SmtpSession
from bureau.stop_token import StopToken

KEEP_IDLE_SECONDS = 60.0  # servers close idle connections after minutes; routers drop them silently

LOGIN_REQUIRED = 530  # RFC 4954 and RFC 3207


class SmtpTransport:
    """Sends mail over SMTP. Threads share the connections, one mail at a time on each.

    `context` replaces the system's certificate authorities.
    """

    name = "smtp"

    def __init__(
        self,
        server: SmtpServer,
        *,
        connect_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 20.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._connect_timeout = connect_timeout_seconds
        self._read_timeout = read_timeout_seconds
        self._context = context or ssl.create_default_context()
        self._lock = threading.Lock()
        self._idle: list[SmtpSession] = []

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        wire = InterruptibleSocket()
        with window.cutting_off(wire.cut):
            with stop.interrupting(wire.interrupt), self._outages():
                session, planned, reply = self._begun(message, recipients, wire, window)
            with self._keeping(session, wire):
                with stop.interrupting(wire.interrupt), self._outages():
                    replies = _offered(session, reply, planned)
                    accepted = [recipient for recipient in planned.recipients if replies[recipient].accepted]
                    go_ahead = _data_command(session, accepted, window)
                    if go_ahead is None or go_ahead.code != START_MAIL:
                        session.reset()
                        return _outcome(replies | dict.fromkeys(accepted, go_ahead or reply))
                    session.content(planned.content, END_WITHIN_SECONDS)
                    wire.commit()
                final = self._ended(session)
                return _outcome(replies | dict.fromkeys(accepted, final))

    def was_sent(self, message_id: str) -> bool | None:  # noqa: ARG002 - SMTP cannot be asked
        return None

    def close(self) -> None:
        while session := self._taken():
            with suppress(smtplib.SMTPException, OSError):
                session.quit()

    def _begun(
        self, message: Message, recipients: Sequence[str], wire: InterruptibleSocket, window: DeliveryWindow
    ) -> tuple[SmtpSession, EnvelopePlan, SmtpReply]:
        """Returns a session and its answer to MAIL FROM.

        The answer shows whether a kept session is still alive; if not, it is replaced.
        """
        while session := self._taken():
            try:
                session.use(wire, self._read_timeout)
                return session, *_asked(session, message, recipients, window)
            except (smtplib.SMTPException, OSError):
                session.close()
            except BaseException:
                session.close()
                raise
        session = SmtpSession(self._server, self._context, wire, self._connect_timeout)
        try:
            session.begin(self._read_timeout)
            return session, *_asked(session, message, recipients, window)
        except BaseException:
            session.close()
            raise

    def _ended(self, session: SmtpSession) -> SmtpReply:
        try:
            return session.end_of_data()
        except (smtplib.SMTPException, OSError) as error:
            raise AnswerLost(f"{self._server} got the mail, but its answer was lost: {_words(error)}") from error

    def _taken(self) -> SmtpSession | None:
        """Returns the connection used last if it was not idle for long; stale ones are closed."""
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is None or time.monotonic() - session.idle_since < KEEP_IDLE_SECONDS:
            return session
        session.close()
        return self._taken()

    @contextmanager
    def _keeping(self, session: SmtpSession, wire: InterruptibleSocket) -> Iterator[None]:
        """Keeps the connection for the next mail unless an error occurred on it."""
        try:
            yield
        except BaseException:
            session.close()
            raise
        wire.detach()
        if session.sock is not None:
            session.idle_since = time.monotonic()
            with self._lock:
                self._idle.append(session)

    @contextmanager
    def _outages(self) -> Iterator[None]:
        """Turns errors in the block into `TransportUnavailable`, because they occur before anything was handed over."""
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise TransportUnavailable(
                f"{self._server} refused the user or password of MAIL_URL: {_words(error)}",
                retry_after=LOGIN_REFUSED_SECONDS if _is_final(error) else None,
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            hint = "a password in MAIL_URL needs STARTTLS and AUTH; with ?starttls=never it is sent without STARTTLS"
            raise TransportUnavailable(f"{self._server} cannot be used: {error} {hint}") from error
        except ssl.SSLCertVerificationError as error:
            raise TransportUnavailable(
                f"the certificate of {self._server} is not trusted: {error.verify_message}"
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TransportUnavailable(f"{self._server} cannot be used: {_words(error)}") from error


def _asked(
    session: SmtpSession, message: Message, recipients: Sequence[str], window: DeliveryWindow
) -> tuple[EnvelopePlan, SmtpReply]:
    """Returns the plan for this server and its answer to MAIL FROM, or Bureau's own answer if EHLO already decided."""
    planned = plan(message, recipients, session.offer)
    size = len(planned.content)
    if refusal := _refusal(planned, size, session.size_limit):
        session.check()  # a kept connection may have died, and the next one may reach a server that accepts more
        return planned, refusal
    if session.pipelines:
        window.check_begin()  # DATA goes with MAIL FROM
    reply = session.sender(message.sender.address, size, planned.options, planned.recipients)
    if reply.code == LOGIN_REQUIRED:
        raise TransportUnavailable(
            "the mail server asks for a login or for encryption first: mend the user, the password and ?starttls of "
            f"MAIL_URL ({reply.text})",
            retry_after=LOGIN_REFUSED_SECONDS,
        )
    return planned, reply


def _is_final(error: smtplib.SMTPAuthenticationError) -> bool:
    """Returns whether the server refused the login itself; 454 says that it cannot check it now (RFC 4954)."""
    return error.smtp_code >= 500


def _refusal(planned: EnvelopePlan, size: int, limit: int | None) -> SmtpReply | None:
    if not planned.recipients:
        return SmtpReply(CANNOT, next(iter(planned.left_out.values())))
    if limit is not None and size > limit:
        return SmtpReply(552, f"552 the message has {size:,} bytes; the server accepts at most {limit:,}")
    return None


def _offered(session: SmtpSession, reply: SmtpReply, planned: EnvelopePlan) -> dict[str, SmtpReply]:
    """Returns the answer for each recipient; the answer to MAIL FROM if that was a refusal."""
    replies = {recipient: SmtpReply(CANNOT, why) for recipient, why in planned.left_out.items()}
    for recipient in planned.recipients:
        answer = session.recipient(recipient) if reply.accepted or session.ahead else reply
        replies[recipient] = answer if reply.accepted else reply
    return replies


def _data_command(session: SmtpSession, accepted: Sequence[str], window: DeliveryWindow) -> SmtpReply | None:
    """Sends DATA, if it was not sent ahead, and returns the answer; None if no recipient was accepted."""
    if not accepted:
        if session.ahead and session.data_command().code == START_MAIL:
            session.close()  # it waits for a mail to nobody
        return None
    if not session.ahead:
        window.check_begin()
    return session.data_command()


def _outcome(replies: dict[str, SmtpReply]) -> SendResult:
    verdicts = {recipient: _verdict(reply) for recipient, reply in replies.items()}
    reasons = {recipient: reply.text for recipient, reply in replies.items() if not reply.accepted}
    taken = [reply.text for reply in replies.values() if reply.accepted]
    return SendResult(verdicts, reasons, taken[-1] if taken else "; ".join(dict.fromkeys(reasons.values())))


def _verdict(reply: SmtpReply) -> Verdict:
    if reply.accepted:
        return Verdict.SENT
    return Verdict.DEFERRED if reply.for_now else Verdict.REFUSED


def _words(error: Exception) -> str:
    """Describes an error for users, in the words of the server, the system or the library."""
    if isinstance(error, smtplib.SMTPResponseException):
        return SmtpReply.of((error.smtp_code, _bytes(error.smtp_error))).text
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
