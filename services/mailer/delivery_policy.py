"""What to do with a mail, from what was done before: pure, and the whole of "a mail is handed to the provider once".

Before a try its intent is written, after it its end, per recipient. `next_action` reads the tries so far when a task
begins; `conclude` reads them when its own try has ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bureau.contracts.mail.delivery import DeliveryState
from bureau.ledger.mail.deliveries import MailDelivery

# A try is cut off 120 s after its intent. What is open for longer belongs to a process that died.
INTENT_SECONDS = 180.0


class UnknownMailPolicy(StrEnum):
    """What becomes of a mail whose provider took it and never answered."""

    RESEND = "resend"  # again under the same Message-ID: at least once
    PARK = "park"  # the task fails with `delivery_unknown` and a person decides: at most once


class RecipientStatus(StrEnum):
    """How it stands with one recipient, over all tries."""

    PENDING = "pending"  # not tried yet
    OPEN = "open"  # a try is under way, or its process died
    SENT = "sent"
    DEFERRED = "deferred"  # refused for now
    REFUSED = "refused"  # refused for good
    UNKNOWN = "unknown"  # handed over, perhaps


@dataclass(frozen=True)
class Send:
    """Hand the mail over for these."""

    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """Somebody may be handing it over right now: come again in `seconds`."""

    seconds: float


@dataclass(frozen=True)
class Settle:
    """Write down how an open try ended, then decide again."""

    n: int
    state: DeliveryState
    recipients: dict[str, str]
    response: str


@dataclass(frozen=True)
class Finish:
    """Done. `doubtful`: an earlier try's answer was lost, so that the mail may be there twice."""

    accepted: tuple[str, ...]
    refused: dict[str, str]
    doubtful: bool


@dataclass(frozen=True)
class Again:
    """This try did not do it; the next one may."""

    code: str
    message: str


@dataclass(frozen=True)
class Fail:
    """It will not work, or must not be tried again without a person."""

    code: str
    message: str


def next_action(
    tries: Sequence[MailDelivery], recipients: Sequence[str], *, policy: UnknownMailPolicy, was_sent: bool | None
) -> Send | Wait | Settle | Finish | Fail:
    """What a task that begins does. `was_sent`: what the transport knows of the last try; None is nothing."""
    if tries and tries[-1].state is DeliveryState.OPEN:
        return _of_open(tries[-1], was_sent)
    stands = _learned(standing(tries, recipients), was_sent)
    missing = tuple(
        recipient
        for recipient, stand in stands.items()
        if stand in (RecipientStatus.PENDING, RecipientStatus.DEFERRED)
        or (stand is RecipientStatus.UNKNOWN and policy is UnknownMailPolicy.RESEND)
    )
    if missing:
        return Send(missing)
    if RecipientStatus.UNKNOWN in stands.values():
        return _parked(tries, stands)
    if RecipientStatus.SENT not in stands.values():
        # All were refused for good and the task failed with it. That it runs again is a person's wish (or a crash
        # before the failure was written): nobody has the mail, so asking once more does no harm.
        return Send(tuple(recipients))
    return _finish(tries, stands, doubtful=_doubtful(tries) and was_sent is not True)


def conclude(
    tries: Sequence[MailDelivery], recipients: Sequence[str], *, policy: UnknownMailPolicy
) -> Finish | Again | Fail:
    """What a task makes of its own try, the last of `tries`, which has ended."""
    stands = standing(tries, recipients)
    if RecipientStatus.UNKNOWN in stands.values() and policy is UnknownMailPolicy.RESEND:
        return Again(
            "delivery_unknown", f"{_why(tries, stands, RecipientStatus.UNKNOWN)}. The mail will be sent again."
        )
    if RecipientStatus.DEFERRED in stands.values() or RecipientStatus.PENDING in stands.values():
        taken = f" ({_count(stands, RecipientStatus.SENT)} accepted)" if RecipientStatus.SENT in stands.values() else ""
        return Again("mail_deferred", f"Not accepted for now{taken}: {_why(tries, stands, RecipientStatus.DEFERRED)}")
    if RecipientStatus.UNKNOWN in stands.values():
        return _parked(tries, stands)
    if RecipientStatus.SENT not in stands.values():
        return Fail("mail_refused", f"Refused for good: {_why(tries, stands, RecipientStatus.REFUSED)}")
    return _finish(tries, stands, doubtful=_doubtful(tries))


def standing(tries: Sequence[MailDelivery], recipients: Sequence[str]) -> dict[str, RecipientStatus]:
    """The last word on each recipient; once sent is sent."""
    stands = dict.fromkeys(recipients, RecipientStatus.PENDING)
    for delivery in tries:
        for recipient, state in delivery.recipients.items():
            if recipient in stands and stands[recipient] is not RecipientStatus.SENT:
                stands[recipient] = RecipientStatus(state)
    return stands


def _of_open(last: MailDelivery, was_sent: bool | None) -> Wait | Settle:
    def settled(state: DeliveryState, standing: RecipientStatus, response: str) -> Settle:
        return Settle(last.n, state, dict.fromkeys(last.recipients, standing.value), response)

    if was_sent:
        return settled(
            DeliveryState.SENT, RecipientStatus.SENT, "it was handed over; its process ended before saying so"
        )
    if was_sent is False:
        return settled(DeliveryState.REFUSED, RecipientStatus.DEFERRED, "its process ended before it was handed over")
    if last.age_seconds < INTENT_SECONDS:
        return Wait(INTENT_SECONDS - last.age_seconds)
    return settled(DeliveryState.UNKNOWN, RecipientStatus.UNKNOWN, "its process ended while it was being handed over")


def _learned(stands: dict[str, RecipientStatus], was_sent: bool | None) -> dict[str, RecipientStatus]:
    """`stands` with what the transport knows in the place of the unknown."""
    if was_sent is None:
        return stands
    known = RecipientStatus.SENT if was_sent else RecipientStatus.DEFERRED
    return {recipient: known if stand is RecipientStatus.UNKNOWN else stand for recipient, stand in stands.items()}


def _parked(tries: Sequence[MailDelivery], stands: Mapping[str, RecipientStatus]) -> Fail:
    return Fail(
        "delivery_unknown",
        f"{_why(tries, stands, RecipientStatus.UNKNOWN)}. It was not sent again, because MAIL_UNKNOWN is park: "
        "ask the recipients, or the provider's log, and submit it again if it did not arrive.",
    )


def _finish(tries: Sequence[MailDelivery], stands: Mapping[str, RecipientStatus], *, doubtful: bool) -> Finish:
    return Finish(
        accepted=tuple(recipient for recipient, stand in stands.items() if stand is RecipientStatus.SENT),
        refused={r: _reason(tries, r) for r, stand in stands.items() if stand is RecipientStatus.REFUSED},
        doubtful=doubtful,
    )


def _doubtful(tries: Sequence[MailDelivery]) -> bool:
    return any(delivery.state is DeliveryState.UNKNOWN for delivery in tries)


def _why(tries: Sequence[MailDelivery], stands: Mapping[str, RecipientStatus], kind: RecipientStatus) -> str:
    """The recipients of this kind with the provider's words, said once where they are the same for all."""
    reasons = {recipient: _reason(tries, recipient) for recipient, stand in stands.items() if stand is kind}
    if len(set(reasons.values())) == 1:
        return f"{', '.join(reasons)}: {next(iter(reasons.values()))}"
    return "; ".join(f"{recipient}: {reason}" for recipient, reason in reasons.items())


def _reason(tries: Sequence[MailDelivery], recipient: str) -> str:
    """What the provider said of a recipient in the last try that had it."""
    last = next((delivery for delivery in reversed(tries) if recipient in delivery.recipients), None)
    said = last and (last.reasons.get(recipient) or last.response)
    return said or "no reason given"


def _count(stands: Mapping[str, RecipientStatus], kind: RecipientStatus) -> str:
    return f"{sum(stand is kind for stand in stands.values())} of {len(stands)}"
