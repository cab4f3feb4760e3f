"""Sending one mail: decide, write the intent, hand over, write the end, conclude."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from bureau.contracts.errors import PermanentError, Stopped, TransientError
from bureau.contracts.mail.mail import MailSent, SendMail
from bureau.formatting import count, size
from bureau.ledger.mail.deliveries import DeliveryState, MailDelivery
from bureau.services.mailer.compose import Composer, Envelope
from bureau.services.mailer.delivery_log import Book, under_way
from bureau.services.mailer.delivery_policy import (
    Again,
    Fail,
    Finish,
    RecipientStatus,
    Send,
    Settle,
    UnknownMailPolicy,
    Wait,
    conclude,
    next_action,
    response_text,
    standing,
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

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _End:
    """How a try ended, as it is written down."""

    state: DeliveryState
    recipients: Mapping[str, str]
    response: str
    retry_after: float | None = None
    away: tuple[Closed, ...] = ()  # where no transport is left that mails are handed to: what the next one meets


class Mailer:
    """Composes mails and hands them over, each once."""

    def __init__(self, *, composer: Composer, route: FailoverRoute, book: Book, policy: UnknownMailPolicy) -> None:
        self._composer = composer
        self._route = route
        self._book = book
        self._policy = policy

    def send(self, ctx: Context, mail: SendMail) -> MailSent:
        """Raises the task errors that `deliveries` decides on."""
        envelope = self._composer.envelope(mail)
        tries, decision = self._decided(ctx, envelope)
        match decision:
            case Send(recipients):
                return self._allowed(ctx, mail, envelope, tries, recipients)
            case Wait(seconds):
                raise under_way(seconds)
            case Fail(code, message):
                raise PermanentError(code, message)
            case Finish():
                ctx.log("the mail was handed over by an earlier try")
                return _result(tries, decision)

    def _decided(self, ctx: Context, envelope: Envelope) -> tuple[list[MailDelivery], Send | Wait | Fail | Finish]:
        """Open tries that have ended are written down on the way."""
        while True:
            tries = self._book.tries(ctx.task_id)
            decision = next_action(
                tries, envelope.recipients, policy=self._policy, was_sent=self._route.was_sent(tries)
            )
            if not isinstance(decision, Settle):
                return tries, decision
            ctx.log(f"try {decision.n}: {decision.response}")
            self._book.close(
                ctx.task_id,
                decision.n,
                state=decision.state,
                recipients=decision.recipients,
                response=decision.response,
            )

    def _allowed(
        self, ctx: Context, mail: SendMail, envelope: Envelope, tries: list[MailDelivery], recipients: tuple[str, ...]
    ) -> MailSent:
        """Without those on the suppression list, who count as refused for good."""
        listed = self._book.suppressed(ctx, recipients)
        wanted = tuple(one for one in envelope.recipients if one not in listed)
        stands = standing(tries, wanted)
        if not wanted or (listed and set(recipients) <= set(listed) and RecipientStatus.SENT not in stands.values()):
            raise PermanentError(
                "mail_suppressed", "; ".join(f"{address}: {why}" for address, why in listed.items()) + "."
            )
        left = tuple(one for one in recipients if one not in listed)
        if listed:
            ctx.log(f"{count(len(listed), 'recipient')} on the suppression list left out")
        sent = self._try(ctx, mail, envelope, tries, left, wanted) if left else self._done(tries, wanted)
        return sent.model_copy(update={"refused": {**sent.refused, **listed}}) if listed else sent

    def _done(self, tries: list[MailDelivery], wanted: tuple[str, ...]) -> MailSent:
        """Who is left has the mail from an earlier try."""
        match conclude(tries, wanted, policy=self._policy):
            case Finish() as finish:
                return _result(tries, finish)
            case Again(code, text) | Fail(code, text):
                raise PermanentError(code, text)

    def _try(
        self,
        ctx: Context,
        mail: SendMail,
        envelope: Envelope,
        tries: list[MailDelivery],
        recipients: tuple[str, ...],
        wanted: tuple[str, ...],
    ) -> MailSent:
        """For `recipients` now; `wanted` are those of all tries together."""
        # From the first try, should MAIL_FROM have changed since.
        named = tries[0].message_id if tries else message_id(ctx.task_id, envelope.sender)
        marks = Marks(ctx.job_id, ctx.task_id, len(tries) + 1)
        message = replace(self._composer.message(ctx, mail, envelope, named), marks=marks)
        way = self._route.entered(tries)
        try:
            ctx.log(f"handing the mail to {way.now.name} for {count(len(recipients), 'recipient')}{_with(message)}")
            window = DeliveryWindow()  # before the row is written: never later than it
            opened = self._book.open(ctx, message_id=named, transport=way.now.name, recipients=recipients)
            opened, end = self._handed_over(ctx, message, opened, window, way)
        finally:
            way.now.gate.left()
        self._close(ctx, opened, end)
        ended = replace(opened, state=end.state, recipients=dict(end.recipients), response=end.response)
        match conclude([*tries, ended], wanted, policy=self._policy):
            case Again() if end.away:
                raise away(end.away)
            case Again(code, text):
                raise TransientError(code, text, retry_after=end.retry_after)
            case Fail(code, text):
                raise PermanentError(code, text)
            case Finish() as finish:
                return _result([*tries, ended], finish)

    def _handed_over(
        self, ctx: Context, message: Message, opened: MailDelivery, window: DeliveryWindow, way: RouteAttempt
    ) -> tuple[MailDelivery, _End]:
        """Whatever happens, the try gets an end; and its row has the name of who got the mail."""
        outages: list[TransportUnavailable] = []
        while True:
            try:
                return opened, self._at_stop(ctx, message, opened, window, way)
            except TransportUnavailable as outage:
                outages.append(outage)
            if (moved := self._moved(ctx, opened, way, outages)) is None:
                return opened, _outage(opened, outages, way.away)
            opened = moved

    def _at_stop(
        self, ctx: Context, message: Message, opened: MailDelivery, window: DeliveryWindow, way: RouteAttempt
    ) -> _End:
        """Raises `TransportUnavailable` where nothing was handed over; only that lets a mail go elsewhere."""
        gate = way.now.gate
        try:
            outcome = way.now.transport.send(message, tuple(opened.recipients), window, ctx.stop)
        except TooLate:
            raise
        except TransportUnavailable as outage:
            way.failed(gate.outage(str(outage), outage.retry_after))
            raise
        except AnswerLost as lost:
            return _same(opened, DeliveryState.UNKNOWN, RecipientStatus.UNKNOWN, str(lost))
        except Stopped:
            stopped = "the task was stopped before the mail was handed over"
            self._close(ctx, opened, _same(opened, DeliveryState.REFUSED, RecipientStatus.DEFERRED, stopped))
            raise
        except BaseException as error:  # a mistake of ours: how far it came cannot be said
            broken = f"the {way.now.name} transport failed: {type(error).__name__}"
            self._close(ctx, opened, _same(opened, DeliveryState.UNKNOWN, RecipientStatus.UNKNOWN, broken))
            raise
        gate.served(outcome.pause_seconds)
        return _ended(outcome)

    def _moved(
        self, ctx: Context, opened: MailDelivery, way: RouteAttempt, outages: list[TransportUnavailable]
    ) -> MailDelivery | None:
        """The row under the next transport's name, written before that one gets the mail; None: there is no other.

        Killed between this and the handing over, the row is open under a name that cannot vouch for the first one:
        as after any other crash. Whoever finds it waits until it is old.
        """
        before = way.now
        if isinstance(outages[-1], TooLate) or way.next() is None:
            return None
        before.gate.left()
        ctx.log(f"{outages[-1]}; handing the mail to {way.now.name}")
        if not self._book.move(ctx, opened.n, transport=way.now.name):
            return None
        return replace(opened, transport=way.now.name)

    def _close(self, ctx: Context, opened: MailDelivery, end: _End) -> None:
        self._book.close(ctx.task_id, opened.n, state=end.state, recipients=end.recipients, response=end.response)
        counts = {kind.value: sum(state == kind for state in end.recipients.values()) for kind in RecipientStatus}
        told = {kind: count for kind, count in counts.items() if count}
        MAILS.labels(opened.transport, _outcome(end)).inc()
        log.info("mail", transport=opened.transport, n=opened.n, outcome=end.state.value, **told)
        if ctx.stop.reason is None:  # else `log` raises, and the result would be lost with it
            ctx.log(f"{opened.transport}: {', '.join(f'{count} {kind}' for kind, count in told.items())}")


def _outcome(end: _End) -> str:
    """As metrics name it; `deferred`: refused for now, and for all."""
    deferred = set(end.recipients.values()) == {RecipientStatus.DEFERRED.value}
    return RecipientStatus.DEFERRED.value if deferred else end.state.value


def _outage(opened: MailDelivery, outages: list[TransportUnavailable], away: tuple[Closed, ...]) -> _End:
    said = "; ".join(dict.fromkeys(str(outage) for outage in outages))
    named = [outage.retry_after for outage in outages if outage.retry_after is not None]
    end = _same(opened, DeliveryState.REFUSED, RecipientStatus.DEFERRED, said, min(named) if named else None)
    return replace(end, away=away)


def _ended(outcome: SendResult) -> _End:
    taken = Verdict.SENT in outcome.verdicts.values()
    return _End(
        state=DeliveryState.SENT if taken else DeliveryState.REFUSED,
        recipients={recipient: verdict.value for recipient, verdict in outcome.verdicts.items()},
        response=response_text(outcome.reasons, outcome.response),
        retry_after=outcome.retry_after,
    )


def _same(
    opened: MailDelivery, state: DeliveryState, stand: RecipientStatus, response: str, retry_after: float | None = None
) -> _End:
    return _End(state, dict.fromkeys(opened.recipients, stand.value), response, retry_after)


def _result(tries: list[MailDelivery], finish: Finish) -> MailSent:
    return MailSent(
        message_id=tries[-1].message_id,
        transport=tries[-1].transport,
        accepted=list(finish.accepted),
        refused=finish.refused,
        outcome="unknown" if finish.doubtful else "sent",
    )


def _with(message: Message) -> str:
    if not message.attachments:
        return ""
    total = sum(attachment.size for attachment in message.attachments)
    return f", with {count(len(message.attachments), 'attachment')} of {size(total)}"
