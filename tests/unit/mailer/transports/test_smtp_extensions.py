"""Which extensions a mail asks a server for, and who is left out where it has none."""

import pytest

from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import MessageForm
from bureau.services.mailer.transports.smtp_extensions import Offer, plan
from tests.support.messages import make_message

ADA, BOB, JOSE, USER = "ada@example.com", "bob@example.com", "josé@example.com", "用户@xn--r8jz45g.jp"
NOTHING, EIGHT, UTF8 = Offer(), Offer(eight_bit_mime=True), Offer(smtputf8=True, eight_bit_mime=True)
UTF8_ALONE = Offer(smtputf8=True)
BODY, BOTH = ("BODY=8BITMIME",), ("SMTPUTF8", "BODY=8BITMIME")


def _boxes(*addresses: str) -> tuple[Mailbox, ...]:
    return tuple(Mailbox("", address) for address in addresses)


@pytest.mark.parametrize(
    ("offer", "form"),
    [
        (NOTHING, MessageForm.ASCII),
        (EIGHT, MessageForm.EIGHT_BIT),
        (UTF8, MessageForm.UTF8),
        (UTF8_ALONE, MessageForm.ASCII),
    ],
)
def test_a_server_gets_the_form_that_it_says_it_takes(offer: Offer, form: MessageForm) -> None:
    assert offer.form is form


@pytest.mark.parametrize(
    ("fields", "recipients", "offer", "options", "left_out"),
    [
        # What is ASCII asks for nothing, whatever is offered.
        ({}, (ADA,), NOTHING, (), ()),
        ({}, (ADA,), EIGHT, (), ()),
        ({}, (ADA,), UTF8, (), ()),
        ({"subject": "Zoë", "to": (Mailbox("Zoë", ADA),)}, (ADA,), UTF8, (), ()),
        # Text that is not asks for 8BITMIME.
        ({"text": "Zoë"}, (ADA,), NOTHING, (), ()),
        ({"text": "Zoë"}, (ADA,), EIGHT, BODY, ()),
        ({"text": "Zoë"}, (ADA,), UTF8, BODY, ()),
        ({"html": "<p>Zoë"}, (ADA,), EIGHT, BODY, ()),
        ({"text": "é" * 500}, (ADA,), EIGHT, (), ()),  # a line too long to go as it is
        # An address that is not asks for SMTPUTF8, in the headers and in the envelope.
        ({"to": _boxes(JOSE)}, (JOSE,), UTF8, BOTH, ()),
        ({"cc": _boxes(USER)}, (ADA, USER), UTF8, BOTH, ()),
        ({"reply_to": Mailbox("", JOSE)}, (ADA,), UTF8, BOTH, ()),
        ({"sender": Mailbox("", JOSE)}, (ADA,), UTF8, BOTH, ()),
        ({"bcc": _boxes(JOSE)}, (ADA, JOSE), UTF8, ("SMTPUTF8",), ()),
        ({"bcc": _boxes(JOSE)}, (ADA,), UTF8, (), ()),  # José has the mail
        ({"to": _boxes(ADA, JOSE)}, (ADA,), UTF8, BOTH, ()),  # so he has, but the headers name him
        # Without it he cannot be reached; the others can.
        ({"to": _boxes(JOSE)}, (JOSE,), NOTHING, (), (JOSE,)),
        ({"to": _boxes(JOSE, ADA)}, (JOSE, ADA), EIGHT, (), (JOSE,)),
        ({"cc": _boxes(USER, BOB), "text": "Zoë"}, (ADA, USER, BOB), EIGHT, BODY, (USER,)),
        ({"bcc": _boxes(JOSE)}, (ADA, JOSE), UTF8_ALONE, (), (JOSE,)),
        # Nor can anybody answer to such a sender.
        ({"sender": Mailbox("", JOSE)}, (ADA, BOB), EIGHT, (), (ADA, BOB)),
        ({"reply_to": Mailbox("", JOSE)}, (ADA,), NOTHING, (), (ADA,)),
    ],
)
def test_a_mail_asks_for_what_it_needs_and_no_more(
    fields: dict[str, object],
    recipients: tuple[str, ...],
    offer: Offer,
    options: tuple[str, ...],
    left_out: tuple[str, ...],
) -> None:
    planned = plan(make_message(**({"text": "Hello"} | fields)), recipients, offer)
    assert tuple(planned.left_out) == left_out
    assert planned.recipients == tuple(one for one in recipients if one not in left_out)
    if planned.recipients:
        assert planned.options == options
        assert ("BODY=8BITMIME" in options) is not planned.content.isascii()


def test_a_left_out_recipient_has_a_reason_that_names_the_field() -> None:
    message = make_message(text="x", to=_boxes(JOSE), reply_to=Mailbox("", USER))
    without = "553 5.6.7 the server accepts only ASCII addresses (it lacks SMTPUTF8)"
    assert plan(make_message(text="x", to=_boxes(JOSE)), (JOSE,), NOTHING).left_out == {JOSE: without}
    assert plan(message, (JOSE,), NOTHING).left_out == {JOSE: f"{without}, but reply_to is {USER}"}


def test_an_unreachable_recipient_is_named_in_the_header() -> None:
    planned = plan(make_message(text="x", to=_boxes(JOSE, ADA)), (JOSE, ADA), NOTHING)
    assert planned.content.isascii()
    assert b"To: Internationalized address\r\n =?utf-8?b?" in planned.content
    assert b" removed:;,\r\n ada@example.com\r\n" in planned.content
