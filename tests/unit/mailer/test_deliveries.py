"""What is done with a mail, given what was done before."""

from dataclasses import dataclass, field

import pytest

from bureau.contracts.mail.delivery import DeliveryState
from bureau.ledger.mail.deliveries import MailDelivery
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

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
RESEND, PARK = UnknownMailPolicy.RESEND, UnknownMailPolicy.PARK


def _try(
    n: int, age: float = 10.0, response: str | None = None, reasons: dict[str, str] | None = None, **recipients: str
) -> MailDelivery:
    """`ada="sent"` and so on; the state follows from the recipients."""
    named = {f"{name}@example.com": state for name, state in recipients.items()}
    states = set(named.values())
    state = next(
        (s for s in (DeliveryState.OPEN, DeliveryState.SENT, DeliveryState.UNKNOWN) if s in states),
        DeliveryState.REFUSED,
    )
    said = {f"{name}@example.com": reason for name, reason in (reasons or {}).items()}
    return MailDelivery(n, "<1@example.com>", "smtp", state, named, age, response, said)


@dataclass(frozen=True)
class Case:
    """A table's row."""

    what: str
    expected: object
    tries: list[MailDelivery] = field(default_factory=list)
    recipients: tuple[str, ...] = (ADA, BOB)
    policy: UnknownMailPolicy = RESEND
    was_sent: bool | None = None


OPEN = _try(1, 30.0, ada="open", bob="open")
OLD = _try(1, 180.0, ada="open", bob="open")
UNKNOWN = _try(1, ada="unknown", bob="unknown", response="connection lost")

DECIDE = [
    Case("nothing was tried: all", Send((ADA, BOB))),
    Case("an open try is young: wait until it is 180 s old", Wait(150.0), [OPEN]),
    Case("an open try a moment before its time", Wait(0.5), [_try(1, 179.5, ada="open")]),
    Case("an open try younger than now, as clocks may have it", Wait(180.2), [_try(1, -0.2, ada="open")]),
    Case(
        "an open try is old: nobody knows",
        Settle(
            1,
            DeliveryState.UNKNOWN,
            {ADA: "unknown", BOB: "unknown"},
            "its process ended while the mail was being handed over",
        ),
        [OLD],
    ),
    Case("parking waits as well", Wait(150.0), [OPEN], policy=PARK),
    Case(
        "an open try, and the transport has the mail",
        Settle(
            1,
            DeliveryState.SENT,
            {ADA: "sent", BOB: "sent"},
            "the mail was handed over, but its process ended before it recorded that",
        ),
        [OPEN],
        was_sent=True,
    ),
    Case(
        "an open try, and the transport does not have the mail",
        Settle(
            1,
            DeliveryState.REFUSED,
            {ADA: "deferred", BOB: "deferred"},
            "its process ended before the mail was handed over",
        ),
        [OPEN],
        was_sent=False,
    ),
    Case(
        "only the open try's own recipients are settled",
        Settle(2, DeliveryState.UNKNOWN, {BOB: "unknown"}, "its process ended while the mail was being handed over"),
        [_try(1, ada="sent", bob="deferred"), _try(2, 200.0, bob="open")],
    ),
    Case("unknown is sent again", Send((ADA, BOB)), [UNKNOWN]),
    Case(
        "unknown is parked",
        Fail(
            "delivery_unknown",
            f"{ADA}, {BOB}: connection lost. It was not sent again, because MAIL_UNKNOWN is park: "
            "check with the recipients or in the provider's log, and submit it again if it did not arrive.",
        ),
        [UNKNOWN],
        policy=PARK,
    ),
    Case("unknown, and the transport has it", Finish((ADA, BOB), {}, False), [UNKNOWN], was_sent=True),
    Case(
        "unknown and parked, and the transport has it", Finish((ADA, BOB), {}, False), [UNKNOWN], (ADA, BOB), PARK, True
    ),
    Case("unknown, and the transport does not have it", Send((ADA, BOB)), [UNKNOWN], was_sent=False),
    Case("unknown and parked, but it was not sent", Send((ADA, BOB)), [UNKNOWN], (ADA, BOB), PARK, False),
    Case("all sent: done", Finish((ADA, BOB), {}, False), [_try(1, ada="sent", bob="sent")]),
    Case(
        "some refused for now: these alone",
        Send((BOB,)),
        [_try(1, ada="sent", bob="deferred", cy="refused")],
        (ADA, BOB, CY),
    ),
    Case(
        "sent and refused for good: done, with the reason",
        Finish((ADA,), {BOB: "550 who?"}, False),
        [_try(1, ada="sent", bob="refused", reasons={"bob": "550 who?"})],
    ),
    Case(
        "over two tries",
        Finish((ADA, BOB), {CY: "550 gone"}, False),
        [
            _try(1, ada="sent", bob="deferred", cy="refused", reasons={"bob": "451 later", "cy": "550 gone"}),
            _try(2, bob="sent", response="250 ok"),
        ],
        (ADA, BOB, CY),
    ),
    Case(
        "sent, after an answer was lost: perhaps twice",
        Finish((ADA, BOB), {}, True),
        [UNKNOWN, _try(2, ada="sent", bob="sent")],
    ),
    Case(
        "all refused for good, and run again by a person: all",
        Send((ADA, BOB)),
        [_try(1, ada="refused", bob="refused")],
    ),
    Case(
        "parked, but somebody was only refused for now: that one first",
        Send((BOB,)),
        [_try(1, ada="unknown", bob="deferred")],
        policy=PARK,
    ),
    Case("an outage: all again", Send((ADA, BOB)), [_try(1, ada="deferred", bob="deferred", response="no route")]),
    Case("a recipient that no try had", Send((CY,)), [_try(1, ada="sent", bob="sent")], (ADA, BOB, CY)),
]

CONCLUDE = [
    Case("all sent", Finish((ADA, BOB), {}, False), [_try(1, ada="sent", bob="sent")]),
    Case(
        "some refused for good: success that says so",
        Finish((ADA,), {BOB: "550 who?"}, False),
        [_try(1, ada="sent", bob="refused", reasons={"bob": "550 who?"})],
    ),
    Case(
        "all refused for good: each is named",
        Fail("mail_refused", f"Refused permanently: {ADA}: 550 who?; {BOB}: 551 moved"),
        [_try(1, ada="refused", bob="refused", reasons={"ada": "550 who?", "bob": "551 moved"})],
    ),
    Case(
        "all refused for one reason: it is said once",
        Fail("mail_refused", f"Refused permanently: {ADA}, {BOB}: 554 spam"),
        [_try(1, ada="refused", bob="refused", reasons={"ada": "554 spam", "bob": "554 spam"})],
    ),
    Case(
        "refused for now",
        RetryMail("mail_deferred", f"Not accepted for now (1 of 2 accepted): {BOB}: 451 later"),
        [_try(1, ada="sent", bob="deferred", reasons={"bob": "451 later"})],
    ),
    Case(
        "an outage",
        RetryMail("mail_deferred", f"Not accepted for now: {ADA}, {BOB}: connection refused"),
        [_try(1, ada="deferred", bob="deferred", response="connection refused")],
    ),
    Case(
        "the answer was lost",
        RetryMail("delivery_unknown", f"{ADA}, {BOB}: connection lost. The mail will be sent again."),
        [UNKNOWN],
    ),
    Case(
        "the answer was lost, and it is parked",
        Fail(
            "delivery_unknown",
            f"{ADA}, {BOB}: connection lost. It was not sent again, because MAIL_UNKNOWN is park: "
            "check with the recipients or in the provider's log, and submit it again if it did not arrive.",
        ),
        [UNKNOWN],
        policy=PARK,
    ),
    Case(
        "sent after a lost answer",
        Finish((ADA, BOB), {}, True),
        [UNKNOWN, _try(2, ada="sent", bob="sent")],
    ),
    Case(
        "parked, but first those refused for now",
        RetryMail("mail_deferred", f"Not accepted for now: {BOB}: 451 later"),
        [_try(1, ada="unknown", bob="deferred", reasons={"ada": "lost", "bob": "451 later"})],
        policy=PARK,
    ),
    Case(
        "what was sent before stays sent",
        Finish((ADA, BOB), {}, False),
        [_try(1, ada="sent", bob="deferred"), _try(2, bob="sent")],
    ),
]


@pytest.mark.parametrize("case", DECIDE, ids=lambda case: case.what)
def test_a_beginning_try_is_decided(case: Case) -> None:
    decision = next_action(case.tries, case.recipients, policy=case.policy, was_sent=case.was_sent)
    assert decision == case.expected


@pytest.mark.parametrize("case", CONCLUDE, ids=lambda case: case.what)
def test_an_ended_try_is_concluded(case: Case) -> None:
    assert conclude(case.tries, case.recipients, policy=case.policy) == case.expected


def test_settling_an_open_try_leads_on() -> None:
    settled = next_action([OLD], (ADA, BOB), policy=RESEND, was_sent=None)
    assert isinstance(settled, Settle)
    ended = MailDelivery(1, "<1@example.com>", "smtp", settled.state, settled.recipients, 180.0, settled.response)
    assert next_action([ended], (ADA, BOB), policy=RESEND, was_sent=None) == Send((ADA, BOB))
    assert isinstance(next_action([ended], (ADA, BOB), policy=PARK, was_sent=None), Fail)


def test_nobody_who_got_the_mail_is_ever_sent_it_again() -> None:
    states = ["sent", "deferred", "refused", "unknown"]
    for policy in UnknownMailPolicy:
        for was_sent in (None, True, False):
            for first in states:
                for second in states:
                    tries = [_try(1, ada="sent", bob=first), _try(2, bob=second)]
                    decision = next_action(tries, (ADA, BOB), policy=policy, was_sent=was_sent)
                    assert not isinstance(decision, Send) or ADA not in decision.recipients


def test_parking_never_sends_again_what_may_have_been_sent() -> None:
    for second in ("deferred", "refused", "unknown"):
        tries = [_try(1, ada="unknown", bob="deferred"), _try(2, bob=second)]
        decision = next_action(tries, (ADA, BOB), policy=PARK, was_sent=None)
        assert not isinstance(decision, Send) or ADA not in decision.recipients


def test_the_last_word_on_a_recipient_counts_unless_it_was_sent() -> None:
    tries = [_try(1, ada="deferred", bob="sent"), _try(2, ada="refused", bob="deferred")]
    assert recipient_states(tries, (ADA, BOB, CY)) == {
        ADA: RecipientStatus.REFUSED,
        BOB: RecipientStatus.SENT,
        CY: RecipientStatus.PENDING,
    }
