"""A message as SendGrid wants it."""

import base64
import io
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Attachment, Marks
from bureau.services.mailer.transports.sendgrid_payload import over_limits, payload
from tests.support.messages import make_message, new_message

ADA, BOB, CY, DI = (Mailbox(name.title(), f"{name}@example.com") for name in ("ada", "bob", "cy", "di"))
EVERYBODY = tuple(box.address for box in (ADA, BOB, CY, DI))


def _sent(recipients: tuple[str, ...] = EVERYBODY, **fields: Any) -> dict[str, Any]:
    message = make_message(**({"text": "x", "to": (ADA,), "cc": (BOB,), "bcc": (CY, DI)} | fields))
    return payload(message, recipients)


def test_everybody_is_in_one_personalization() -> None:
    assert _sent()["personalizations"] == [
        {
            "to": [{"email": "ada@example.com", "name": "Ada"}],
            "cc": [{"email": "bob@example.com", "name": "Bob"}],
            "bcc": [{"email": "cy@example.com", "name": "Cy"}, {"email": "di@example.com", "name": "Di"}],
        }
    ]


def test_a_recipient_who_has_the_mail_is_left_out() -> None:
    assert _sent((ADA.address, DI.address))["personalizations"] == [
        {"to": [{"email": "ada@example.com", "name": "Ada"}], "bcc": [{"email": "di@example.com", "name": "Di"}]}
    ]


def test_blind_copies_left_alone_do_not_see_each_other() -> None:
    assert _sent((CY.address, DI.address))["personalizations"] == [
        {"to": [{"email": "cy@example.com", "name": "Cy"}]},
        {"to": [{"email": "di@example.com", "name": "Di"}]},
    ]


def test_the_message_id_goes_along() -> None:
    assert _sent()["headers"] == {"Message-ID": make_message().message_id}


@pytest.mark.parametrize(
    ("text", "html", "content"),
    [
        ("a", None, [("text/plain", "a")]),
        (None, "<p>", [("text/html", "<p>")]),
        ("a", "<p>", [("text/plain", "a"), ("text/html", "<p>")]),
        ("", None, [("text/plain", " ")]),
    ],
)
def test_plain_text_comes_first_and_no_part_is_empty(
    text: str | None, html: str | None, content: list[tuple[str, str]]
) -> None:
    assert [(part["type"], part["value"]) for part in _sent(text=text, html=html)["content"]] == content


@pytest.mark.parametrize(
    ("name", "media_type", "sent_name", "sent_type"),
    [
        ("report.csv", "text/csv; charset=utf-8", "report.csv", "application/octet-stream"),
        ("umsätze é.pdf", "application/pdf", "umsatze e.pdf", "application/pdf"),
        ("売上.zip", "application/zip", "__.zip", "application/zip"),
        ("a.json", "application/json; charset=utf-8", "a.json", "application/json"),
        ("a.ics", "text/calendar; charset=utf-8; method=REQUEST", "a.ics", "text/calendar; method=REQUEST"),
        ("a.ics", 'text/calendar; method="a;b"', "a.ics", "application/octet-stream"),
        ("a.ics", "text/calendar", "a.ics", "application/octet-stream"),
        ("a.pdf", "application/pdf; name=a.pdf", "a.pdf", "application/pdf"),
    ],
)
def test_attachments_keep_their_bytes(name: str, media_type: str, sent_name: str, sent_type: str) -> None:
    data = bytes(range(256)) * 10
    (sent,) = _sent(attachments=(Attachment.read(name, media_type, len(data), io.BytesIO(data)),))["attachments"]
    assert (sent["filename"], sent["type"], sent["disposition"]) == (sent_name, sent_type, "attachment")
    assert base64.b64decode(sent["content"], validate=True) == data


def test_absent_fields_are_not_sent() -> None:
    assert set(_sent()) == {"personalizations", "from", "subject", "content", "headers"}
    assert _sent(reply_to=BOB)["reply_to"] == {"email": "bob@example.com", "name": "Bob"}


def test_events_can_be_told_apart_by_job_task_and_try() -> None:
    job, task = UUID(int=1), UUID(int=2)
    body = payload(new_message(categories=("welcome",), marks=Marks(job, task, 3)), ("ada@example.com",))
    assert body["custom_args"] == {"bureau_job": str(job), "bureau_task": str(task), "bureau_try": "3"}
    assert body["categories"] == ["welcome"]
    assert "mail_settings" not in body
    sandboxed = payload(new_message(), ("ada@example.com",), sandbox=True)
    assert sandboxed["mail_settings"] == {"sandbox_mode": {"enable": True}}


def test_images_go_inline_and_unsubscribing_into_the_headers() -> None:
    logo = Attachment("logo.png", "image/png", 3, b"UE5H", "logo")
    body = payload(new_message(html="x", inline=(logo,), unsubscribe="https://a.example/off"), ("ada@example.com",))
    (image,) = body["attachments"]
    assert (image["disposition"], image["content_id"]) == ("inline", "logo")
    assert body["headers"]["List-Unsubscribe"] == "<https://a.example/off>"


def test_recipients_may_have_addresses_in_any_script_the_sender_may_not() -> None:
    jose, user = Mailbox("José", "josé@example.com"), Mailbox("", "用户@xn--r8jz45g.jp")
    message = new_message(to=(jose,), bcc=(user,), reply_to=jose)
    recipients = (jose.address, user.address)
    assert over_limits(message, recipients) is None
    body = payload(message, recipients)
    assert body["personalizations"] == [
        {"to": [{"email": "josé@example.com", "name": "José"}], "bcc": [{"email": "用户@xn--r8jz45g.jp"}]}
    ]
    assert over_limits(new_message(sender=jose), recipients) == (
        "SendGrid accepts only ASCII sender addresses, but from is josé@example.com"
    )


def test_a_mail_over_the_vendors_limits_is_refused_before_sending() -> None:
    large = Attachment("a.bin", "application/zip", 24_000_000, b"x" * 32_000_000)
    assert over_limits(new_message(), ("ada@example.com",)) is None
    assert "30,000,000 bytes" in str(over_limits(new_message(attachments=(large,)), ("ada@example.com",)))
    assert "1,000 recipients" in str(over_limits(new_message(), ("ada@example.com",) * 1001))
