"""Headers of the request's own: which names there are, and that none starts another header."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import ValidationError

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import Mailbox
from bureau.contracts.mail.mail import SendMail
from bureau.contracts.mail.own_headers import header_errors
from bureau.services.mailer.message.message import MessageForm
from bureau.services.mailer.transports.sendgrid_payload import payload
from tests.support.messages import new_message

GOOD = {
    "X-Ticket": "4711",
    "x-campaign-ID": "Frühling  2026",
    "List-Id": "Members <members.example.com>",
    "List-Archive": f"<https://example.com/{'a' * 120}>",
    "In-Reply-To": "<1@example.com>",
    "References": " ".join(f"<{number}.{'x' * 40}@example.com>" for number in range(10)),
    "Auto-Submitted": "auto-generated",
}


def _mail(headers: dict[str, str], **more: Any) -> SendMail:
    return SendMail(to=["ada@example.com"], subject="A", text="a", headers=headers, **more)


def _parsed(written: bytes) -> EmailMessage:
    return message_from_bytes(written, _class=EmailMessage, policy=policy.default)


def test_they_arrive_as_they_were_given() -> None:
    message = new_message("ada@example.com", headers=GOOD)
    written = message.written(MessageForm.ASCII)
    assert all(len(line) <= 998 for line in written.split(b"\r\n"))
    parsed = _parsed(written)
    for name, value in GOOD.items():
        assert str(parsed[name]) == " ".join(value.split()), name
    sent = payload(message, ("ada@example.com",))["headers"]
    assert sent["X-Ticket"] == "4711"
    assert sent["x-campaign-ID"].isascii()
    assert "\n" not in "".join(sent.values())


@pytest.mark.parametrize(
    "name",
    [
        *("Bcc", "To", "From", "Sender", "Subject", "Date", "Message-ID", "Return-Path", "Received", "Reply-To"),
        *("Content-Type", "MIME-Version", "DKIM-Signature", "Resent-To", "Errors-To", "Disposition-Notification-To"),
        *("X-Envelope-To", "X-SMTPAPI", "x-smtpapi", "X-MSYS-API", "X-MC-BccAddress", "X-SG-EID", "X-Original-To"),
        *(
            "X-Bcc",
            "X-Bureau-Job",
            "X-",
            "List-",
            "X-a b",
            "X-a:",
            "X-a\r\nBcc",
            "X-a\n",
            "X-ä",
            "X",
            "",
            "X-" + "a" * 80,
        ),
    ],
)
def test_a_name_that_is_not_allowed_is_refused(name: str) -> None:
    assert list(header_errors({name: "x"}))
    with pytest.raises(ValidationError):
        _mail({name: "x"})
    with pytest.raises(PermanentError):
        new_message("ada@example.com", headers={name: "x"})


@pytest.mark.parametrize(
    "value", ["", " ", "a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\x01", "a\tb", "a\u2028b", "x" * 901]
)
def test_a_value_that_is_not_one_line_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        _mail({"X-Ticket": value})
    with pytest.raises(PermanentError):
        new_message("ada@example.com", headers={"X-Ticket": value})


@pytest.mark.parametrize(
    ("headers", "wrong"),
    [
        ({"X-A": "1", "x-a": "2"}, "given twice"),
        ({"List-Id": "Büro <büro.example.com>"}, "in ASCII"),
    ],
)
def test_what_no_single_header_shows_is_refused(headers: dict[str, str], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        _mail(headers)


def test_the_address_to_unsubscribe_is_given_once() -> None:
    _mail({"List-Unsubscribe": "<https://example.com/u>"})
    with pytest.raises(ValidationError, match="not both"):
        _mail({"List-Unsubscribe": "<https://example.com/u>"}, unsubscribe="https://example.com/u")


def test_a_mail_with_blind_copies_only_names_nobody() -> None:
    mail = SendMail(bcc=["eve@example.com"], subject="A", text="a")
    assert mail.to == []
    message = new_message(to=(), bcc=(Mailbox("", "eve@example.com"),))
    written = message.written(MessageForm.UTF8)
    assert b"eve@example.com" not in written
    assert b"To: undisclosed-recipients:;\r\n" in written
    assert b"To: undisclosed" not in new_message(to=(), cc=(Mailbox("", "bob@example.com"),)).written(MessageForm.UTF8)
    assert payload(message, ("eve@example.com",))["personalizations"] == [{"to": [{"email": "eve@example.com"}]}]


def test_a_mail_to_nobody_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one recipient"):
        SendMail(subject="A", text="a")
