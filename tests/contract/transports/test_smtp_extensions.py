"""SMTPUTF8 and 8BITMIME: what is asked of a server that offers them, and what becomes of a mail where it does not."""

from pathlib import Path
from typing import Any

import pytest

from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Message, MessageForm
from bureau.services.mailer.transports.base import DeliveryWindow, SendResult, Verdict
from bureau.services.mailer.transports.smtp import SmtpTransport
from bureau.services.mailer.transports.smtp_server import SmtpServer
from bureau.stop_token import StopToken
from tests.support.messages import new_message
from tests.support.servers.mail_servers import MailServer, mail_server
from tests.support.servers.tls import make_authority

ADA, JOSE, USER = "ada@example.com", "josé@example.com", "用户@xn--r8jz45g.jp"
SENT, REFUSED = Verdict.SENT, Verdict.REFUSED


def _send(transport: SmtpTransport, message: Message, *recipients: str) -> SendResult:
    return transport.send(message, recipients, DeliveryWindow(), StopToken())


@pytest.mark.parametrize(
    ("offers", "form", "options"),
    [
        ({"eight_bit_mime": False}, MessageForm.ASCII, ()),
        ({}, MessageForm.EIGHT_BIT, ("BODY=8BITMIME",)),
        ({"smtputf8": True}, MessageForm.UTF8, ("BODY=8BITMIME",)),
    ],
)
def test_text_goes_as_the_server_takes_it(
    server: MailServer, smtp: SmtpTransport, offers: dict[str, Any], form: MessageForm, options: tuple[str, ...]
) -> None:
    for name, value in offers.items():
        setattr(server, name, value)
    message = new_message(ADA, text="Zoë\n.\n", html="<p>läßt grüßen</p>")
    assert _send(smtp, message, ADA).verdicts == {ADA: SENT}
    assert (server.mails[0].raw, server.mails[0].options) == (message.written(form), options)


def test_an_address_in_another_script_is_written_in_utf_8(server: MailServer, smtp: SmtpTransport) -> None:
    server.smtputf8 = True
    message = new_message(JOSE, sender=Mailbox("Zoë", "zoë@example.com"), cc=(Mailbox("", ADA),))
    for _ in range(2):  # the second one on the same connection
        assert _send(smtp, message, JOSE, ADA, USER).verdicts == {JOSE: SENT, ADA: SENT, USER: SENT}
    _send(smtp, new_message(ADA), ADA)
    first, _, plain = server.mails
    assert (first.sender, first.recipients) == ("zoë@example.com", (JOSE, ADA, USER))
    assert (first.options, plain.options) == (("SMTPUTF8", "BODY=8BITMIME"), ())
    assert f"To: {JOSE}\r\n".encode() in first.raw
    assert server.connections == 1


@pytest.mark.parametrize("eight_bit_mime", [True, False])
def test_without_it_he_is_refused_for_good_and_the_others_get_the_mail(
    server: MailServer, smtp: SmtpTransport, eight_bit_mime: bool
) -> None:
    server.eight_bit_mime, server.smtputf8 = eight_bit_mime, not eight_bit_mime  # which is worth nothing alone
    message = new_message(JOSE, ADA, text="Zoë")
    for _ in range(2):
        outcome = _send(smtp, message, JOSE, ADA)
        assert outcome.verdicts == {JOSE: REFUSED, ADA: SENT}
        assert outcome.reasons == {
            JOSE: "553 5.6.7 the server accepts only ASCII addresses (it lacks SMTPUTF8)",
        }
    assert [mail.recipients for mail in server.mails] == [(ADA,), (ADA,)]
    assert JOSE.encode() not in server.mails[0].raw
    assert [box.addr_spec for box in server.mails[0].parsed["To"].addresses] == [ADA]
    assert server.connections == 1


@pytest.mark.parametrize("field", ["sender", "reply_to"])
def test_without_it_nothing_is_sent_that_nobody_could_answer(
    server: MailServer, smtp: SmtpTransport, field: str
) -> None:
    message = new_message(ADA, **{field: Mailbox("", JOSE)})
    outcome = _send(smtp, message, ADA, USER)
    assert outcome.verdicts == {ADA: REFUSED, USER: REFUSED}
    assert outcome.reasons[ADA].endswith(f" is {JOSE}")
    assert not server.mails
    assert _send(smtp, new_message(ADA), ADA).verdicts == {ADA: SENT}
    assert server.connections == 1


def test_a_kept_connection_that_died_is_replaced_before_anybody_is_refused() -> None:
    with mail_server() as old:
        transport = SmtpTransport(SmtpServer.from_url(old.url))
        _send(transport, new_message(ADA), ADA)
        port = old.port
    with mail_server(port=port, smtputf8=True) as new:  # upgraded meanwhile
        assert _send(transport, new_message(JOSE), JOSE).verdicts == {JOSE: SENT}
        assert len(new.mails) == 1
        transport.close()


def test_over_tls_what_counts_is_what_the_server_offers_inside(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    with mail_server(starttls=authority.server, smtputf8=True) as server:
        url = f"smtp://localhost:{server.port}?starttls=required"
        transport = SmtpTransport(SmtpServer.from_url(url), context=authority.client)
        assert _send(transport, new_message(JOSE), JOSE).verdicts == {JOSE: SENT}
        assert (server.mails[0].encrypted, server.mails[0].options) == (True, ("SMTPUTF8", "BODY=8BITMIME"))
        transport.close()


def test_the_size_that_is_told_is_that_of_the_form_that_is_sent(server: MailServer, smtp: SmtpTransport) -> None:
    large = new_message(ADA, text=("é" * 499 + "\n") * 26_000)  # 26 MB as it is, 35 MB in base64; it takes 33.5 MB
    assert _send(smtp, large, ADA).verdicts == {ADA: SENT}
    server.eight_bit_mime = False
    smtp.close()
    assert _send(smtp, large, ADA).verdicts == {ADA: REFUSED}
