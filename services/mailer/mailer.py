"""Sending one mail: decide, write the intent, hand over, write the end, conclude."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from bureau.contracts.errors import PermanentError, Stopped, TransientError
from bureau.contracts.mail import MailSent, SendMail
from bureau.ledger.deliveries import Delivery, DeliveryState
from bureau.task import Context
from services.mailer.book import Book, under_way
from services.mailer.compose import Composer, Envelope
from services.mailer.deliveries import (
    Again,
    Fail,
    Finish,
    Policy,
    Send,
    Settle,
    Standing,
    Wait,
    conclude,
    decide,
    response_text,
)
from services.mailer.message import Message, message_id
from services.mailer.metrics import MAILS
from services.mailer.transports.base import AnswerLost, Outage, Outcome, Transport, Verdict, Window

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _End:
    """How a try ended, as it is written down."""

    state: DeliveryState
    recipients: Mapping[str, str]
    response: str
    retry_after: float | None = None


class Mailer:
    """Composes mails and hands them over, each once."""

    def __init__(self, *, composer: Composer, transport: Transport, book: Book, policy: Policy) -> None:
        self._composer = composer
        self._transport = transport
        self._book = book
        self._policy = policy

    def send(self, ctx: Context, mail: SendMail) -> MailSent:
        """Raises the task errors that `deliveries` decides on."""
        envelope = self._composer.envelope(mail)
        tries, decision = self._decided(ctx, envelope)
        match decision:
            case Send(recipients):
                return self._try(ctx, mail, envelope, tries, recipients)
            case Wait(seconds):
                raise under_way(seconds)
            case Fail(code, message):
                raise PermanentError(code, message)
            case Finish():
                ctx.log("the mail was handed over by an earlier try")
                return _result(tries, decision)

    def _decided(self, ctx: Context, envelope: Envelope) -> tuple[list[Delivery], Send | Wait | Fail | Finish]:
        """Open tries that have ended are written down on the way."""
        while True:
            tries = self._book.tries(ctx.task_id)
            decision = decide(tries, envelope.recipients, policy=self._policy, was_sent=self._was_sent(tries))
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

    def _was_sent(self, tries: list[Delivery]) -> bool | None:
        """What this transport knows of the last try, if that was its own."""
        if not tries or tries[-1].state not in (DeliveryState.OPEN, DeliveryState.UNKNOWN):
            return None
        last = tries[-1]
        return self._transport.was_sent(last.message_id) if last.transport == self._transport.name else None

    def _try(
        self, ctx: Context, mail: SendMail, envelope: Envelope, tries: list[Delivery], recipients: tuple[str, ...]
    ) -> MailSent:
        # From the first try, should MAIL_FROM have changed since.
        named = tries[0].message_id if tries else message_id(ctx.task_id, envelope.sender)
        message = self._composer.message(ctx, mail, envelope, named)
        ctx.log(f"handing the mail to {self._transport.name} for {_people(len(recipients))}{_with(message)}")
        window = Window()  # before the row is written: never later than it
        opened = self._book.open(ctx, message_id=named, transport=self._transport.name, recipients=recipients)
        end = self._handed_over(ctx, message, opened, window)
        self._close(ctx, opened, end)
        ended = replace(opened, state=end.state, recipients=dict(end.recipients), response=end.response)
        match conclude([*tries, ended], envelope.recipients, policy=self._policy):
            case Again(code, text):
                raise TransientError(code, text, retry_after=end.retry_after)
            case Fail(code, text):
                raise PermanentError(code, text)
            case Finish() as finish:
                return _result([*tries, ended], finish)

    def _handed_over(self, ctx: Context, message: Message, opened: Delivery, window: Window) -> _End:
        """Whatever happens, the try gets an end."""
        try:
            return _ended(self._transport.send(message, tuple(opened.recipients), window, ctx.stop))
        except Outage as outage:
            return _same(opened, DeliveryState.REFUSED, Standing.DEFERRED, str(outage), outage.retry_after)
        except AnswerLost as lost:
            return _same(opened, DeliveryState.UNKNOWN, Standing.UNKNOWN, str(lost))
        except Stopped:
            stopped = "the task was stopped before the mail was handed over"
            self._close(ctx, opened, _same(opened, DeliveryState.REFUSED, Standing.DEFERRED, stopped))
            raise
        except BaseException as error:  # a mistake of ours: how far it came cannot be said
            broken = f"the {self._transport.name} transport failed: {type(error).__name__}"
            self._close(ctx, opened, _same(opened, DeliveryState.UNKNOWN, Standing.UNKNOWN, broken))
            raise

    def _close(self, ctx: Context, opened: Delivery, end: _End) -> None:
        self._book.close(ctx.task_id, opened.n, state=end.state, recipients=end.recipients, response=end.response)
        counts = {kind.value: sum(state == kind for state in end.recipients.values()) for kind in Standing}
        told = {kind: count for kind, count in counts.items() if count}
        MAILS.labels(self._transport.name, _outcome(end)).inc()
        log.info("mail", transport=self._transport.name, n=opened.n, outcome=end.state.value, **told)
        if ctx.stop.reason is None:  # else `log` raises, and the result would be lost with it
            ctx.log(f"{self._transport.name}: {', '.join(f'{count} {kind}' for kind, count in told.items())}")


def _outcome(end: _End) -> str:
    """As metrics name it; `deferred`: refused for now, and for all."""
    deferred = set(end.recipients.values()) == {Standing.DEFERRED.value}
    return Standing.DEFERRED.value if deferred else end.state.value


def _ended(outcome: Outcome) -> _End:
    taken = Verdict.SENT in outcome.verdicts.values()
    return _End(
        state=DeliveryState.SENT if taken else DeliveryState.REFUSED,
        recipients={recipient: verdict.value for recipient, verdict in outcome.verdicts.items()},
        response=response_text(outcome.reasons, outcome.response),
        retry_after=outcome.retry_after,
    )


def _same(
    opened: Delivery, state: DeliveryState, standing: Standing, response: str, retry_after: float | None = None
) -> _End:
    return _End(state, dict.fromkeys(opened.recipients, standing.value), response, retry_after)


def _result(tries: list[Delivery], finish: Finish) -> MailSent:
    return MailSent(
        message_id=tries[-1].message_id,
        transport=tries[-1].transport,
        accepted=list(finish.accepted),
        refused=finish.refused,
        outcome="unknown" if finish.doubtful else "sent",
    )


def _people(count: int) -> str:
    return f"{count} recipient{'' if count == 1 else 's'}"


def _with(message: Message) -> str:
    count = len(message.attachments)
    if not count:
        return ""
    size = sum(attachment.size for attachment in message.attachments)
    return f", with {count} attachment{'' if count == 1 else 's'} of {size:,} bytes"
