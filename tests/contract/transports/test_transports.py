"""What every transport promises. A new one joins by a case in `conftest.py`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bureau.contracts.errors import Stopped
from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Attachment
from bureau.services.mailer.transports.base import DeliveryWindow, SendResult, TransportUnavailable, Verdict
from bureau.stop_token import StopReason, StopToken
from tests.contract.transports.conftest import Provider
from tests.support.messages import new_message

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
JOSE = "josé@xn--bcher-kva.example"


def _sent(outcome: SendResult, *recipients: str) -> bool:
    return (
        outcome.verdicts == dict.fromkeys(recipients, Verdict.SENT) and not outcome.reasons and bool(outcome.response)
    )


def test_a_mail_is_handed_over_once_for_all_its_recipients(provider: Provider) -> None:
    message = new_message(ADA, cc=(Mailbox("", BOB),), bcc=(Mailbox("Eve", EVE),))
    outcome = provider.transport.send(message, (ADA, BOB, EVE), DeliveryWindow(), StopToken())
    assert _sent(outcome, ADA, BOB, EVE)
    assert provider.counts() == {message.message_id: 1}
    assert sorted(provider.recipients()) == [ADA, BOB, EVE]


def test_a_mail_goes_to_the_recipients_named_and_no_others(provider: Provider) -> None:
    message = new_message(ADA, cc=(Mailbox("", BOB),), bcc=(Mailbox("", EVE),))
    assert _sent(provider.transport.send(message, (EVE,), DeliveryWindow(), StopToken()), EVE)
    assert provider.recipients() == [EVE]


def test_a_hundred_recipients_and_large_attachments_pass(provider: Provider) -> None:
    people = tuple(f"person{n}@example.com" for n in range(100))
    encoded = b"\r\n".join([b"QUJD" * 19] * 40_000)  # 3 MB
    message = new_message(
        *people,
        text="é\n.\n..dots\n" * 1000,
        html="<p>.</p>",
        attachments=(Attachment("umsätze.csv", "text/csv; charset=utf-8", 57 * 40_000, encoded),),
    )
    assert _sent(provider.transport.send(message, people, DeliveryWindow(), StopToken()), *people)
    assert provider.counts() == {message.message_id: 1}


def test_a_mail_with_blind_copies_only_reaches_them(provider: Provider) -> None:
    message = new_message(to=(), bcc=(Mailbox("Eve", EVE), Mailbox("", BOB)), headers={"X-Ticket": "4711"})
    assert _sent(provider.transport.send(message, (EVE, BOB), DeliveryWindow(), StopToken()), EVE, BOB)
    assert sorted(provider.recipients()) == [BOB, EVE]


@pytest.mark.parametrize("kind", ["to", "cc", "bcc"])
def test_an_address_in_any_script_is_reached_or_refused_with_a_reason_and_the_others_are(
    provider: Provider, kind: str
) -> None:
    boxes = {"to": (Mailbox("", ADA),), kind: (Mailbox("José", JOSE), Mailbox("", BOB))}
    people = [box.address for kind in boxes for box in boxes[kind]]
    message = new_message(**boxes, text="é")
    outcome = provider.transport.send(message, people, DeliveryWindow(), StopToken())
    reached = [one for one in people if one.isascii() or provider.reaches_any_script]
    assert sorted(provider.recipients()) == sorted(reached)
    assert provider.counts() == {message.message_id: 1}
    assert [one for one, verdict in outcome.verdicts.items() if verdict is Verdict.SENT] == reached
    if not provider.reaches_any_script:
        assert outcome.verdicts[JOSE] is Verdict.REFUSED
        assert "only ASCII" in outcome.reasons[JOSE]


def test_threads_send_at_the_same_time(provider: Provider) -> None:
    messages = [new_message(ADA) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(lambda message: provider.transport.send(message, (ADA,), DeliveryWindow(), StopToken()), messages)
        )
    assert all(_sent(outcome, ADA) for outcome in outcomes)
    assert provider.counts() == {message.message_id: 1 for message in messages}


def test_a_stopped_task_hands_nothing_over(provider: Provider) -> None:
    stop = StopToken()
    stop.set(StopReason.CANCELLED)
    with pytest.raises(Stopped):
        provider.transport.send(new_message(ADA), (ADA,), DeliveryWindow(), stop)
    assert not provider.counts()


def test_no_mail_is_handed_over_too_late_after_its_intent(provider: Provider) -> None:
    with pytest.raises(TransportUnavailable, match="the limit is"):
        provider.transport.send(new_message(ADA), (ADA,), DeliveryWindow(begin_within=-1.0), StopToken())
    assert not provider.counts()


def test_it_says_whether_a_mail_was_sent_or_that_it_cannot(provider: Provider) -> None:
    message = new_message(ADA)
    assert provider.transport.was_sent(message.message_id) is (False if provider.knows else None)
    provider.transport.send(message, (ADA,), DeliveryWindow(), StopToken())
    assert provider.transport.was_sent(message.message_id) is (True if provider.knows else None)


def test_a_transport_that_knows_what_was_sent_sends_no_second_mail(provider: Provider) -> None:
    message = new_message(ADA)
    for _ in range(2):
        assert _sent(provider.transport.send(message, (ADA,), DeliveryWindow(), StopToken()), ADA)
    assert provider.counts()[message.message_id] == (1 if provider.knows else 2)


def test_it_can_be_closed_twice_and_used_again(provider: Provider) -> None:
    for _ in range(2):
        assert _sent(provider.transport.send(new_message(ADA), (ADA,), DeliveryWindow(), StopToken()), ADA)
        provider.transport.close()
        provider.transport.close()
