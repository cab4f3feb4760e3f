"""Sends one mail: decides, writes the intent, hands the mail over, writes the end, and concludes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bureau.contracts.errors import PermanentError, Stopped, TransientError
from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.contracts.mail.mail import MailSent, SendMail
from bureau.formatting import count, size
from bureau.ledger.mail.deliveries import MailDelivery
from bureau.services.mailer.compose import Composer
from bureau.services.mailer.delivery_log import Book, Suppressed, under_way
from bureau.services.mailer.delivery_policy import (
    Fail,
    Finish,
    RecipientStatus,
    RetryMail,
    Send,
    Settle,
    UnknownMailPolicy,
    Wait,
    conclude,
    next_action,
    recipient_states,
)
from bureau.services.mailer.message.message import Marks, Message, message_id
from bureau.services.mailer.metrics import MAILS
from bureau.services.mailer.transports.base import (
    AnswerLost,
    DeliveryWindow,
    SendResult,
    TooLate,
    TransportUnavailable,
    Verdict,
)
from bureau.services.mailer.transports.circuit_breaker import Closed
from bureau.services.mailer.transports.failover import FailoverRoute, RouteAttempt, away
from bureau.task import Context


@dataclass(frozen=True)
class _End:
    """Holds how an attempt ended, as it is recorded."""

    state: DeliveryState
    recipients: Mapping[str, str]
    response: str
    reasons: Mapping[str, str]
    retry_after: float | None = None
    away: tuple[Closed, ...] = ()  # if all transports are away: what the next mail meets at each


class Mailer:
    """Composes mails and hands each over once."""

    def __init__(self, *, composer: Composer, route: FailoverRoute, book: Book, policy: UnknownMailPolicy) -> None:
        self.composer = composer
        self.route = route
        self.book = book
        self.policy = policy

    def send(self, ctx: Context, mail: SendMail) -> MailSent:
        """Sends the mail. Raises the task errors that `delivery_policy` decides on."""
        return MailAttempt(self, ctx, mail).run()


class MailAttempt:
    """Runs one execution of a mail task. It is created with everything it needs and is run once, by `run`."""

    def __init__(self, mailer: Mailer, ctx: Context, mail: SendMail) -> None:
        self._mailer = mailer
        self._book = mailer.book
        self._ctx = ctx
        self._mail = mail
        self._envelope = mailer.composer.envelope(mail)
        self._tries: list[MailDelivery] = []
        self._listed: dict[str, str] = {}  # recipients on the suppression list, with the reasons

    def run(self) -> MailSent:
        """Sends the mail. Raises the task errors that `delivery_policy` decides on."""
        match self._next_action():
            case Send(recipients):
                return self._send(recipients)
            case Wait(seconds):
                raise under_way(seconds)
            case Fail(code, message):
                raise PermanentError(code, message)
            case Finish() as finish:
                self._ctx.log("an earlier attempt handed the mail over")
                return self._result(finish)

    def _next_action(self) -> Send | Wait | Fail | Finish:
        """Decides what to do after the attempts so far. Open attempts that have ended are recorded on the way."""
        while True:
            self._tries = self._book.tries(self._ctx)
            action = next_action(
                self._tries,
                self._envelope.recipients,
                policy=self._mailer.policy,
                was_sent=self._mailer.route.was_sent(self._tries),
            )
            if not isinstance(action, Settle):
                return action
            self._ctx.log(f"attempt {action.n}: {action.response}")
            self._book.close(DeliveryEnd(self._ctx.task_id, action.n, action.state, action.recipients, action.response))

    def _send(self, recipients: tuple[str, ...]) -> MailSent:
        """Sends to the recipients who are not on the suppression list; those on it count as permanently refused."""
        left = recipients
        while left:
            try:
                return self._handed_over(left)
            except Suppressed as suppressed:
                self._listed |= suppressed.found
                self._ctx.log(f"{count(len(suppressed.found), 'recipient')} on the suppression list left out")
                left = tuple(one for one in recipients if one not in self._listed)
        return self._without_a_try()

    def _without_a_try(self) -> MailSent:
        """Returns the result if nobody is left to be mailed now.

        Recipients who are not on the suppression list have the mail from an earlier attempt.
        """
        if RecipientStatus.SENT not in recipient_states(self._tries, self._wanted).values():
            reasons = "; ".join(f"{address}: {why}" for address, why in self._listed.items())
            raise PermanentError("mail_suppressed", f"{reasons}.")
        match conclude(self._tries, self._wanted, policy=self._mailer.policy):
            case Finish() as finish:
                return self._result(finish)
            case RetryMail(code, text) | Fail(code, text):
                raise PermanentError(code, text)

    @property
    def _wanted(self) -> tuple[str, ...]:
        """Returns the recipients of all attempts together."""
        return tuple(one for one in self._envelope.recipients if one not in self._listed)

    @property
    def _message_id(self) -> str:
        """Returns the first attempt's Message-ID, because MAIL_FROM may have changed since."""
        return self._tries[0].message_id if self._tries else message_id(self._ctx.task_id, self._envelope.sender)

    @cached_property
    def _message(self) -> Message:
        marks = Marks(self._ctx.job_id, self._ctx.task_id, len(self._tries) + 1)
        message = self._mailer.composer.message(self._ctx, self._mail, self._envelope, self._message_id, marks)
        if message.attachments:
            total = size(sum(attachment.size for attachment in message.attachments))
            self._ctx.log(f"the mail has {count(len(message.attachments), 'attachment')} of {total}")
        return message

    def _handed_over(self, recipients: tuple[str, ...]) -> MailSent:
        """Writes the intent and hands the mail over.

        Raises `Suppressed` if some recipients are on the suppression list; then nothing was written or sent.
        """
        message = self._message
        way = self._mailer.route.entered(self._tries)
        try:
            window = DeliveryWindow()  # before the row is written, so that it ends no later than the row's time
            opened = self._book.open(
                self._ctx, message_id=message.message_id, transport=way.now.name, recipients=recipients
            )
            opened, end = self._ended(message, opened, window, way)
        finally:
            way.now.breaker.left()
        self._close(opened, end)
        return self._concluded(opened, end)

    def _concluded(self, opened: MailDelivery, end: _End) -> MailSent:
        ended = replace(
            opened, state=end.state, recipients=dict(end.recipients), response=end.response, reasons=end.reasons
        )
        self._tries = [*self._tries, ended]
        match conclude(self._tries, self._wanted, policy=self._mailer.policy):
            case RetryMail() if end.away:
                raise away(end.away)
            case RetryMail(code, text):
                raise TransientError(code, text, retry_after=end.retry_after)
            case Fail(code, text):
                raise PermanentError(code, text)
            case Finish() as finish:
                return self._result(finish)

    def _ended(
        self, message: Message, opened: MailDelivery, window: DeliveryWindow, way: RouteAttempt
    ) -> tuple[MailDelivery, _End]:
        """Hands the mail over and returns the attempt's row and its end.

        Whatever happens, the attempt gets an end, and its row names the transport that got the mail.
        """
        outages: list[TransportUnavailable] = []
        while True:
            try:
                return opened, self._at_transport(message, opened, window, way)
            except TransportUnavailable as outage:
                outages.append(outage)
            if (moved := self._moved(opened, way, outages)) is None:
                return opened, _outage(opened, outages, way.away)
            opened = moved

    def _at_transport(self, message: Message, opened: MailDelivery, window: DeliveryWindow, way: RouteAttempt) -> _End:
        """Hands the mail to the current transport.

        Raises `TransportUnavailable` if nothing was handed over; only then may the mail go to another transport.
        """
        breaker = way.now.breaker
        try:
            result = way.now.transport.send(message, tuple(opened.recipients), window, self._ctx.stop)
        except TooLate:
            raise
        except TransportUnavailable as outage:
            way.failed(breaker.outage(str(outage), outage.retry_after))
            raise
        except AnswerLost as lost:
            return _same(opened, DeliveryState.UNKNOWN, RecipientStatus.UNKNOWN, str(lost))
        except Stopped:
            stopped = "the task was stopped before the mail was handed over"
            self._close(opened, _same(opened, DeliveryState.REFUSED, RecipientStatus.DEFERRED, stopped))
            raise
        except BaseException as error:  # a bug in Bureau: nobody can say how far the handover came
            broken = f"the {way.now.name} transport failed: {type(error).__name__}"
            self._close(opened, _same(opened, DeliveryState.UNKNOWN, RecipientStatus.UNKNOWN, broken))
            raise
        breaker.served(result.pause_seconds)
        return _end_of(result)

    def _moved(
        self, opened: MailDelivery, way: RouteAttempt, outages: list[TransportUnavailable]
    ) -> MailDelivery | None:
        """Writes the next transport's name to the row before that transport gets the mail; None if there is no other.

        If the process is killed between this and the handover, the row is open under a name that cannot vouch for the
        first transport. As after any other crash, the worker that finds the row waits until it is old.
        """
        before = way.now
        if isinstance(outages[-1], TooLate) or way.next() is None:
            return None
        before.breaker.left()
        self._ctx.log(f"{outages[-1]}; handing the mail to {way.now.name}")
        if not self._book.move(self._ctx, opened.n, transport=way.now.name):
            return None
        return replace(opened, transport=way.now.name)

    def _close(self, opened: MailDelivery, end: _End) -> None:
        """Records the attempt's end together with the end of this execution.

        Until then the intent says that the mail may have been sent.
        """
        MAILS.labels(opened.transport, _outcome(end)).inc()
        self._ctx.delivered(
            DeliveryEnd(self._ctx.task_id, opened.n, end.state, end.recipients, end.response, end.reasons)
        )

    def _result(self, finish: Finish) -> MailSent:
        return MailSent(
            message_id=self._tries[-1].message_id,
            transport=self._tries[-1].transport,
            accepted=list(finish.accepted),
            refused={**finish.refused, **self._listed},
            outcome="unknown" if finish.doubtful else "sent",
        )


def _outcome(end: _End) -> str:
    """Returns the metric's label. `deferred` means that all recipients were temporarily refused."""
    deferred = set(end.recipients.values()) == {RecipientStatus.DEFERRED.value}
    return RecipientStatus.DEFERRED.value if deferred else end.state.value


def _outage(opened: MailDelivery, outages: list[TransportUnavailable], away: tuple[Closed, ...]) -> _End:
    reasons = "; ".join(dict.fromkeys(str(outage) for outage in outages))
    named = [outage.retry_after for outage in outages if outage.retry_after is not None]
    end = _same(opened, DeliveryState.REFUSED, RecipientStatus.DEFERRED, reasons, min(named) if named else None)
    return replace(end, away=away)


def _end_of(result: SendResult) -> _End:
    taken = Verdict.SENT in result.verdicts.values()
    return _End(
        state=DeliveryState.SENT if taken else DeliveryState.REFUSED,
        recipients={recipient: verdict.value for recipient, verdict in result.verdicts.items()},
        response=result.response,
        reasons=result.reasons,
        retry_after=result.retry_after,
    )


def _same(
    opened: MailDelivery, state: DeliveryState, status: RecipientStatus, response: str, retry_after: float | None = None
) -> _End:
    return _End(state, dict.fromkeys(opened.recipients, status.value), response, {}, retry_after)
