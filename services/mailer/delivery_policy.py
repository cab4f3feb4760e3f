"""Decides what to do with a mail from the attempts so far, so that it is handed to the provider once.

The decisions are pure functions, and all of that guarantee's logic is here. The intent is written before an attempt,
and its end, per recipient, after it. `next_action` reads the attempts so far when a task begins; `conclude` reads them
when the task's own attempt has ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bureau.contracts.mail.delivery import DeliveryState
from bureau.ledger.mail.deliveries import MailDelivery

# An attempt is cut off 120 s after its intent. An intent that is open for longer belongs to a process that died.
INTENT_SECONDS = 180.0


class UnknownMailPolicy(StrEnum):
    """Says what to do with a mail that a provider took without answering."""

    RESEND = "resend"  # sends it again under the same Message-ID: at least once
    PARK = "park"  # fails the task with `delivery_unknown`, and a person decides: at most once


class RecipientStatus(StrEnum):
    """Gives the state of one recipient over all attempts."""

    PENDING = "pending"  # not tried yet
    OPEN = "open"  # an attempt is under way, or its process died
    SENT = "sent"
    DEFERRED = "deferred"  # temporarily refused
    REFUSED = "refused"  # permanently refused
    UNKNOWN = "unknown"  # may have been handed over


@dataclass(frozen=True)
class Send:
    """Hands the mail over for these recipients."""

    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """Postpones the task by `seconds`, because another process may be handing the mail over right now."""

    seconds: float


@dataclass(frozen=True)
class Settle:
    """Records how an open attempt ended; the decision is then made again."""

    n: int
    state: DeliveryState
    recipients: dict[str, str]
    response: str


@dataclass(frozen=True)
class Finish:
    """Finishes the task.

    `doubtful`: an earlier attempt's answer was lost, so recipients may get the mail twice.
    """

    accepted: tuple[str, ...]
    refused: dict[str, str]
    doubtful: bool


@dataclass(frozen=True)
class RetryMail:
    """Retries the task: this attempt failed, the next one may succeed."""

    code: str
    message: str


@dataclass(frozen=True)
class Fail:
    """Fails the task: it cannot succeed, or must not be retried without a person's decision."""

    code: str
    message: str


def next_action(
    tries: Sequence[MailDelivery], recipients: Sequence[str], *, policy: UnknownMailPolicy, was_sent: bool | None
) -> Send | Wait | Settle | Finish | Fail:
    """Decides what a starting task does.

    `was_sent`: whether the transport knows the last attempt's mail as sent; None if it does not know.
    """
    if tries and tries[-1].state is DeliveryState.OPEN:
        return _of_open(tries[-1], was_sent)
    states = _learned(recipient_states(tries, recipients), was_sent)
    missing = tuple(
        recipient
        for recipient, state in states.items()
        if state in (RecipientStatus.PENDING, RecipientStatus.DEFERRED)
        or (state is RecipientStatus.UNKNOWN and policy is UnknownMailPolicy.RESEND)
    )
    if missing:
        return Send(missing)
    if RecipientStatus.UNKNOWN in states.values():
        return _parked(tries, states)
    if RecipientStatus.SENT not in states.values():
        # All recipients were refused permanently, and the task failed with it. A person ran it again (or the process
        # crashed before the failure was written): nobody has the mail, so sending it once more does no harm.
        return Send(tuple(recipients))
    return _finish(tries, states, doubtful=_doubtful(tries) and was_sent is not True)


def conclude(
    tries: Sequence[MailDelivery], recipients: Sequence[str], *, policy: UnknownMailPolicy
) -> Finish | RetryMail | Fail:
    """Decides how a task ends after its own attempt, the last of `tries`, has ended."""
    states = recipient_states(tries, recipients)
    if RecipientStatus.UNKNOWN in states.values() and policy is UnknownMailPolicy.RESEND:
        return RetryMail(
            "delivery_unknown", f"{_why(tries, states, RecipientStatus.UNKNOWN)}. The mail will be sent again."
        )
    if RecipientStatus.DEFERRED in states.values() or RecipientStatus.PENDING in states.values():
        taken = f" ({_count(states, RecipientStatus.SENT)} accepted)" if RecipientStatus.SENT in states.values() else ""
        return RetryMail(
            "mail_deferred", f"Not accepted for now{taken}: {_why(tries, states, RecipientStatus.DEFERRED)}"
        )
    if RecipientStatus.UNKNOWN in states.values():
        return _parked(tries, states)
    if RecipientStatus.SENT not in states.values():
        return Fail("mail_refused", f"Refused permanently: {_why(tries, states, RecipientStatus.REFUSED)}")
    return _finish(tries, states, doubtful=_doubtful(tries))


def recipient_states(tries: Sequence[MailDelivery], recipients: Sequence[str]) -> dict[str, RecipientStatus]:
    """Returns the latest status of each recipient; SENT is never replaced."""
    states = dict.fromkeys(recipients, RecipientStatus.PENDING)
    for delivery in tries:
        for recipient, state in delivery.recipients.items():
            if recipient in states and states[recipient] is not RecipientStatus.SENT:
                states[recipient] = RecipientStatus(state)
    return states


def _of_open(last: MailDelivery, was_sent: bool | None) -> Wait | Settle:
    def settled(state: DeliveryState, status: RecipientStatus, response: str) -> Settle:
        return Settle(last.n, state, dict.fromkeys(last.recipients, status.value), response)

    if was_sent:
        return settled(
            DeliveryState.SENT,
            RecipientStatus.SENT,
            "the mail was handed over, but its process ended before it recorded that",
        )
    if was_sent is False:
        return settled(
            DeliveryState.REFUSED, RecipientStatus.DEFERRED, "its process ended before the mail was handed over"
        )
    if last.age_seconds < INTENT_SECONDS:
        return Wait(INTENT_SECONDS - last.age_seconds)
    return settled(
        DeliveryState.UNKNOWN, RecipientStatus.UNKNOWN, "its process ended while the mail was being handed over"
    )


def _learned(states: dict[str, RecipientStatus], was_sent: bool | None) -> dict[str, RecipientStatus]:
    """Returns `states` with UNKNOWN replaced by what the transport knows."""
    if was_sent is None:
        return states
    known = RecipientStatus.SENT if was_sent else RecipientStatus.DEFERRED
    return {recipient: known if state is RecipientStatus.UNKNOWN else state for recipient, state in states.items()}


def _parked(tries: Sequence[MailDelivery], states: Mapping[str, RecipientStatus]) -> Fail:
    return Fail(
        "delivery_unknown",
        f"{_why(tries, states, RecipientStatus.UNKNOWN)}. It was not sent again, because MAIL_UNKNOWN is park: "
        "check with the recipients or in the provider's log, and submit it again if it did not arrive.",
    )


def _finish(tries: Sequence[MailDelivery], states: Mapping[str, RecipientStatus], *, doubtful: bool) -> Finish:
    return Finish(
        accepted=tuple(recipient for recipient, state in states.items() if state is RecipientStatus.SENT),
        refused={r: _reason(tries, r) for r, state in states.items() if state is RecipientStatus.REFUSED},
        doubtful=doubtful,
    )


def _doubtful(tries: Sequence[MailDelivery]) -> bool:
    return any(delivery.state is DeliveryState.UNKNOWN for delivery in tries)


def _why(tries: Sequence[MailDelivery], states: Mapping[str, RecipientStatus], kind: RecipientStatus) -> str:
    """Lists the recipients of this status with the provider's reasons; a reason that all share is given once."""
    reasons = {recipient: _reason(tries, recipient) for recipient, state in states.items() if state is kind}
    if len(set(reasons.values())) == 1:
        return f"{', '.join(reasons)}: {next(iter(reasons.values()))}"
    return "; ".join(f"{recipient}: {reason}" for recipient, reason in reasons.items())


def _reason(tries: Sequence[MailDelivery], recipient: str) -> str:
    """Returns the provider's reason for a recipient from the last attempt that included it."""
    last = next((delivery for delivery in reversed(tries) if recipient in delivery.recipients), None)
    reason = last and (last.reasons.get(recipient) or last.response)
    return reason or "no reason given"


def _count(states: Mapping[str, RecipientStatus], kind: RecipientStatus) -> str:
    return f"{sum(state is kind for state in states.values())} of {len(states)}"
