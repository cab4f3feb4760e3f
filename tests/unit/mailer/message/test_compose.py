"""From a task's input to a message."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.errors import PermanentError
from bureau.contracts.ids import new_id
from bureau.contracts.mail.addresses import Mailbox
from bureau.contracts.mail.mail import MAX_BODY_BYTES, SendMail
from bureau.services.mailer.compose import Composer, media_type
from bureau.services.mailer.message.message import Message
from bureau.services.mailer.templating.templating import Templates
from bureau.signing.signed_links import NotOwned
from tests.support.context import FakeContext

FOREIGN = UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
NOW = datetime(2025, 11, 20, 10, 12, tzinfo=UTC)


def signed(artifact: UUID, owner: str, expires_at: int) -> str:
    if artifact == FOREIGN:
        raise NotOwned
    return f"https://bureau.example.com/{artifact}?token={owner}-{expires_at}"


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path)


@pytest.fixture
def composer() -> Composer:
    return Composer(
        sender=Mailbox("Bureau", "bureau@example.com"),
        templates=Templates(),
        attachments_max_bytes=1000,
        sign=signed,
        clock=lambda: NOW,
    )


def _mail(**fields: Any) -> SendMail:
    return SendMail.model_validate({"to": ["ada@example.com"], "subject": "Hello", "text": "x"} | fields)


def _composed(composer: Composer, ctx: FakeContext, mail: SendMail) -> Message:
    return composer.message(ctx, mail, composer.envelope(mail), "<1@example.com>")


def test_a_mail_of_text_and_html_is_composed(composer: Composer, ctx: FakeContext) -> None:
    message = _composed(composer, ctx, _mail(text="plain", html="<p>rich</p>"))
    assert message.sender == Mailbox("Bureau", "bureau@example.com")
    assert (message.subject, message.text, message.html) == ("Hello", "plain", "<p>rich</p>")
    assert (message.message_id, message.date) == ("<1@example.com>", NOW)


def test_the_senders_name_may_be_given(composer: Composer) -> None:
    envelope = composer.envelope(_mail(**{"from": "Shop <shop@example.com>"}, reply_to="help@example.com"))
    assert envelope.sender == Mailbox("Shop", "shop@example.com")
    assert envelope.reply_to == Mailbox("", "help@example.com")


def test_everybody_gets_one_copy(composer: Composer) -> None:
    envelope = composer.envelope(
        _mail(
            to=["ada@example.com", "Ada <ADA@example.com>"],
            cc=["bob@example.com", "ada@example.com"],
            bcc=["cy@example.com", "Bob <bob@example.com>", "ada@example.com"],
        )
    )
    assert envelope.recipients == ("ada@example.com", "bob@example.com", "cy@example.com")


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("to", ["ada@example.com", "bob@"], "to/1: 'bob@'"),
        ("cc", ["bob"], "cc/0: 'bob'"),
        ("bcc", ["x@y.invalid"], "bcc/0: 'x@y.invalid'"),
        ("reply_to", "a b@c.de", "reply_to: 'a b@c.de'"),
        ("from", "@example.com", "from: '@example.com'"),
    ],
)
def test_a_wrong_address_is_named_with_its_field(composer: Composer, field: str, value: Any, named: str) -> None:
    with pytest.raises(PermanentError) as caught:
        composer.envelope(_mail(**{field: value}))
    assert caught.value.code == "mail_address_invalid"
    assert caught.value.message.startswith(named)


def test_a_template_brings_subject_text_and_html(composer: Composer, ctx: FakeContext) -> None:
    message = _composed(composer, ctx, _mail(text=None, subject=None, template="welcome", context={"name": "Ada"}))
    assert message.subject == "Welcome"
    assert "Ada" in (message.text or "")
    assert "Ada" in (message.html or "")


def test_text_is_made_from_html_that_comes_alone(composer: Composer, ctx: FakeContext) -> None:
    message = _composed(composer, ctx, _mail(text=None, html="<p>Hello <b>Ada</b></p>"))
    assert message.text == "Hello Ada\n"


def test_images_that_the_html_shows_go_inside(composer: Composer, ctx: FakeContext) -> None:
    logo = ctx.add_file("logo.png", "image/png", b"PNG")
    mail = _mail(text=None, html='<img src="cid:logo">', inline={"logo": logo})
    message = _composed(composer, ctx, mail)
    assert [(one.name, one.content_id) for one in message.inline] == [("logo.png", "logo")]
    assert not message.attachments


def test_a_subject_given_replaces_the_templates(composer: Composer, ctx: FakeContext) -> None:
    assert _composed(composer, ctx, _mail(text=None, subject="Hi", template="welcome")).subject == "Hi"


def test_header_injection_through_a_templates_context_is_refused(composer: Composer, ctx: FakeContext) -> None:
    mail = _mail(
        text=None,
        subject=None,
        template="job-failed",
        context={"title": "x\r\nBcc: eve@example.com", "reason": "y"},
    )
    with pytest.raises(PermanentError, match=r"subject.*line break"):
        _composed(composer, ctx, mail)


def test_a_body_may_be_a_stored_file(composer: Composer, ctx: FakeContext) -> None:
    text = ctx.add_file("body.txt", "text/plain", b"\xef\xbb\xbfZo\xc3\xab")
    html = ctx.add_file("body.html", "text/html", b"<p>x</p>")
    message = _composed(composer, ctx, _mail(text=text, html=html))
    assert (message.text, message.html) == ("Zoë", "<p>x</p>")


def test_a_body_that_is_not_text_is_refused(composer: Composer, ctx: FakeContext) -> None:
    with pytest.raises(PermanentError, match="text: byte 2 is not UTF-8") as caught:
        _composed(composer, ctx, _mail(text=ctx.add_file("body.txt", "text/plain", b"Zo\xeb")))
    assert caught.value.code == "mail_body_not_text"


def test_a_body_that_is_too_large_is_refused(composer: Composer, ctx: FakeContext) -> None:
    with pytest.raises(PermanentError, match=r"html: 1,048,577 bytes; the limit is 1,048,576") as caught:
        _composed(composer, ctx, _mail(html=ctx.add_file("b.html", "text/html", b"x" * (MAX_BODY_BYTES + 1))))
    assert caught.value.code == "mail_body_too_large"


def test_stored_files_are_attached_under_safe_names(composer: Composer, ctx: FakeContext) -> None:
    first = ctx.add_file("../../etc/report.csv", "text/csv; charset=utf-8", b"a,b\r\n")
    second = ctx.add_file("x.pdf", "application/pdf", b"%PDF").model_copy(update={"name": "Zoë.pdf"})
    attachments = _composed(composer, ctx, _mail(attachments=[first, second])).attachments
    assert [(a.name, a.media_type, a.size, a.encoded) for a in attachments] == [
        ("report.csv", "text/csv; charset=utf-8", 5, b"YSxiDQo="),
        ("Zoë.pdf", "application/pdf", 4, b"JVBERg=="),
    ]


def test_attachments_beyond_the_limit_are_refused_unread(composer: Composer, ctx: FakeContext) -> None:
    files = [ctx.add_file(f"{n}.bin", "application/x", bytes(400)) for n in range(3)]
    with pytest.raises(PermanentError, match=r"'2.bin' have 1,200 bytes, more than the 1,000") as caught:
        _composed(composer, ctx, _mail(attachments=files))
    assert caught.value.code == "mail_attachments_too_large"
    assert _composed(composer, ctx, _mail(attachments=files[:2])).attachments[1].size == 400


def test_a_file_that_is_not_there_is_refused(composer: Composer, ctx: FakeContext) -> None:
    with pytest.raises(PermanentError) as caught:
        _composed(composer, ctx, _mail(attachments=[ArtifactRef(artifact=new_id())]))
    assert caught.value.code == "artifact_not_found"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("text/csv", "text/csv"),
        ("Text/CSV; charset=UTF-8", "text/csv; charset=UTF-8"),
        ('text/plain; charset="iso-8859-1"', "text/plain; charset=iso-8859-1"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed; boundary=x", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("text/csv\r\nX-Evil: 1", "application/octet-stream"),
        ("text/csv; name=x", "text/csv; name=x"),
        ("text/calendar; method=REQUEST; charset=utf-8", "text/calendar; method=REQUEST; charset=utf-8"),
        ("text/calendar; method=REQUEST\r\nX-Evil: 1", "text/calendar"),
        ('application/pdf; name="a b.pdf"', 'application/pdf; name="a b.pdf"'),
    ],
)
def test_a_media_type_that_cannot_stand_in_a_header_is_not_used(given: str, kept: str) -> None:
    assert media_type(given) == kept


def test_the_name_in_a_media_type_is_the_name_that_the_mail_gives_the_file() -> None:
    assert media_type("application/pdf; name=a.pdf; x=1", "übersicht.pdf") == (
        "application/pdf; name*=utf-8''%C3%BCbersicht.pdf; x=1"
    )
    assert media_type("application/pdf", "b.pdf") == "application/pdf"


def test_a_sender_of_a_domain_that_is_not_allowed_is_refused() -> None:
    composer = Composer(
        sender=Mailbox("", "bureau@example.com"),
        templates=Templates(),
        attachments_max_bytes=1000,
        sign=signed,
        from_domains=frozenset({"example.com"}),
    )
    assert composer.envelope(_mail(**{"from": "me@EXAMPLE.com"})).sender.address == "me@example.com"
    with pytest.raises(PermanentError, match=r"MAIL_FROM_DOMAINS does not allow; it allows example\.com") as caught:
        composer.envelope(_mail(**{"from": "me@other.example"}))
    assert caught.value.code == "mail_from_not_allowed"


REPORT = {"title": "Sales", "report": "sales", "rows": 3, "bytes": 7, "sha256": "ab", "params": {}}
REPORT |= {"snapshot_at": "2025-11-20T10:00:00+00:00", "duration_seconds": 1.0}


def linked(artifact: UUID, **more: Any) -> SendMail:
    mail = {"to": ["ada@example.com"], "template": "report-ready", "context": REPORT, **more}
    return SendMail.model_validate({**mail, "links": {"link": {"artifact": str(artifact)}}})


def test_a_link_is_signed_for_the_tasks_owner_when_the_mail_is_made(composer: Composer, ctx: FakeContext) -> None:
    file = new_id()
    text = _composed(composer, ctx, linked(file, link_seconds=86_400)).text or ""
    ends = int(NOW.timestamp()) + 86_400
    assert f"https://bureau.example.com/{file}?token={ctx.owner}-{ends}" in text
    assert "until 21 November 2025" in text or "2025-11-21" in text


def test_no_link_is_made_to_a_file_of_another_owner(composer: Composer, ctx: FakeContext) -> None:
    with pytest.raises(PermanentError, match=r"links/link: file .* not found: it was removed, or it is not yours"):
        _composed(composer, ctx, linked(FOREIGN))


def test_a_link_and_a_value_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="in links and in context"):
        linked(FOREIGN, context={**REPORT, "link": "https://example.com"})
