"""Mails printed for developers."""

import io

from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Attachment
from bureau.services.mailer.transports.base import DeliveryWindow
from bureau.services.mailer.transports.console import ConsoleTransport
from bureau.stop_token import StopToken
from tests.support.messages import make_message


def test_a_mail_is_printed_for_people_and_harmless_to_a_terminal() -> None:
    stream = io.StringIO()
    message = make_message(
        text="Zoë\tok\x1b[2Jgone\n",
        html="<p>",
        cc=(Mailbox("", "bob@example.com"),),
        attachments=(Attachment("a.csv", "text/csv", 5120, b"YWFh"),),
    )
    ConsoleTransport(stream).send(message, ("ada@example.com", "eve@example.com"), DeliveryWindow(), StopToken())
    printed = stream.getvalue()
    for line in (
        "From: Bureau <bureau@example.com>",
        "To: Ada <ada@example.com>",
        "Cc: bob@example.com",
        "Subject: Hello",
        "For: ada@example.com, eve@example.com",
        "Attached: a.csv (text/csv, 5,120 bytes)",
        "Zoë\tok�[2Jgone",
    ):
        assert f"{line}\n" in printed
    assert "\x1b" not in printed
    assert "YWFh" not in printed
