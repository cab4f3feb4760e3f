"""A message's bytes, read back with Python's parser."""

import io
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Attachment, Message, MessageForm, message_id
from tests.support.messages import SENDER, TASK, make_message

TEXTS = [
    "",
    "Hello",
    "two\nlines\n",
    "mixed\r\nline\rends\n",
    ".\n..\n.dot at the start\n",
    "From here\n",
    "trailing spaces  \nand a tab\t\n",
    "x" * 5000,
    "Zoë " * 500,
    "日本語のメール\n" * 300,
    "--=_0_018f3c5e-0000-7000-8000-000000000001--\n",
    "soft=\nbreak =E9\n",
]


def _parsed(message: Message, form: MessageForm = MessageForm.ASCII) -> EmailMessage:
    """The message read back, after what RFC 5322 asks of every line was checked."""
    raw = message.written(form)
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    assert raw.isascii() or form is not MessageForm.ASCII
    assert raw.partition(b"\r\n\r\n")[0].isascii() or form is MessageForm.UTF8
    assert all(len(line) <= 998 and b"\r" not in line and b"\n" not in line for line in lines)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert [part.defects for part in parsed.walk() if part.defects] == []
    return parsed


def _text(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


def _attachment(name: str, media_type: str, data: bytes) -> Attachment:
    return Attachment.read(name, media_type, len(data), io.BytesIO(data))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("html", [None, "<p>Zoë &amp; Ada</p>"])
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("form", MessageForm)
def test_text_comes_back_as_it_was(text: str, html: str | None, attached: bool, form: MessageForm) -> None:
    files = (_attachment("data.bin", "application/octet-stream", bytes(range(256)) * 300),) if attached else ()
    parsed = _parsed(make_message(text=text, html=html, attachments=files), form)
    assert _text(parsed, "plain") == text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    if html:
        assert _text(parsed, "html") == html
    assert [part.get_content() for part in parsed.iter_attachments()] == [bytes(range(256)) * 300] * attached


@settings(max_examples=200)
@given(text=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=400))
@pytest.mark.parametrize("form", MessageForm)
def test_any_text_comes_back_as_it_was(form: MessageForm, text: str) -> None:
    message = Message(
        message_id(TASK, SENDER),
        datetime(2025, 11, 20, tzinfo=UTC),
        SENDER,
        (Mailbox("", "ada@example.com"),),
        "Hello",
        text=text,
    )
    data = message_from_bytes(message.written(form)).get_payload(decode=True)
    assert isinstance(data, bytes)
    sent = text.replace("\r\n", "\n").replace("\r", "\n")
    # Whether a last line break is part of the text cannot be said in a message of one part.
    assert data.decode().replace("\r\n", "\n").rstrip("\n") == sent.rstrip("\n")


def test_the_headers_say_who_what_and_when() -> None:
    parsed = _parsed(
        make_message(
            text="x",
            to=(Mailbox("Zoë, Dr.", "zoe@xn--bcher-kva.example"), Mailbox("", "bob@example.com")),
            cc=(Mailbox("Cy", "cy@example.com"),),
            bcc=(Mailbox("", "secret@example.com"),),
            reply_to=Mailbox("", "help@example.com"),
            subject="証明書",
        )
    )
    assert parsed["From"] == "Bureau <bureau@example.com>"
    assert [box.addr_spec for box in parsed["To"].addresses] == ["zoe@xn--bcher-kva.example", "bob@example.com"]
    assert parsed["To"].addresses[0].display_name == "Zoë, Dr."
    assert parsed["Cc"] == "Cy <cy@example.com>"
    assert parsed["Reply-To"] == "help@example.com"
    assert parsed["Subject"] == "証明書"
    assert parsed["Date"] == "Thu, 20 Nov 2025 10:12:00 +0000"
    assert parsed["Message-ID"] == f"<{TASK}@example.com>"
    assert parsed["MIME-Version"] == "1.0"
    assert "Bcc" not in parsed


def test_blind_copies_are_nowhere_in_the_bytes() -> None:
    for form in MessageForm:
        assert b"secret" not in make_message(text="x", bcc=(Mailbox("", "secret@example.com"),)).written(form)


@pytest.mark.parametrize(
    ("text", "form", "encoding"),
    [
        ("Hello", MessageForm.EIGHT_BIT, "7bit"),
        ("Zoë läßt grüßen", MessageForm.ASCII, "base64"),
        ("Hello, this is Zoë", MessageForm.ASCII, "quoted-printable"),
        ("Hello, this is Zoë", MessageForm.EIGHT_BIT, "8bit"),
        ("Zoë läßt grüßen", MessageForm.UTF8, "8bit"),
        ("é" * 499, MessageForm.EIGHT_BIT, "8bit"),  # 998 octets
        ("é" * 500, MessageForm.EIGHT_BIT, "base64"),
        ("Zoë\n--=_0_1--", MessageForm.EIGHT_BIT, "quoted-printable"),  # it might be a boundary
    ],
)
def test_text_is_encoded_no_more_than_its_form_asks_for(text: str, form: MessageForm, encoding: str) -> None:
    assert _parsed(make_message(text=text), form)["Content-Transfer-Encoding"] == encoding


def test_a_whole_says_that_a_part_of_it_is_eight_bit() -> None:
    files = (_attachment("a.bin", "application/octet-stream", b"x"),)
    message = make_message(text="Hello", html="<p>Zoë</p>", attachments=files)
    said = [part["Content-Transfer-Encoding"] for part in _parsed(message, MessageForm.EIGHT_BIT).walk()]
    assert said == ["8bit", "8bit", "7bit", "8bit", "base64"]
    assert [part["Content-Transfer-Encoding"] for part in _parsed(message).walk()][:2] == [None, None]


def test_addresses_in_any_script_are_in_the_headers_where_the_form_allows_it() -> None:
    message = make_message(
        text="x", sender=Mailbox("Zoë", "zoë@example.com"), to=(Mailbox("", "用户@xn--r8jz45g.jp"),), subject="Zoë"
    )
    head = message.written(MessageForm.UTF8).decode().split("\r\n")
    assert head[:2] == ["From: =?utf-8?b?Wm/Dqw==?= <zoë@example.com>", "To: 用户@xn--r8jz45g.jp"]
    assert _parsed(message, MessageForm.UTF8)["Message-ID"] == f"<{TASK}@example.com>"
    assert _parsed(message)["To"].addresses == ()


def test_every_try_of_a_task_has_the_same_message_id_and_the_ledger_can_keep_it() -> None:
    assert message_id(TASK, SENDER) == message_id(UUID(str(TASK)), SENDER) == f"<{TASK}@example.com>"
    long = Mailbox("", f"a@{'.'.join(['b' * 60] * 4)}.com")
    assert len(message_id(TASK, long)) <= 255


@pytest.mark.parametrize(
    ("media_type", "content_type"),
    [
        ("text/csv; charset=utf-8", "text/csv"),
        ("application/pdf", "application/pdf"),
        ("image/svg+xml", "image/svg+xml"),
    ],
)
@pytest.mark.parametrize("name", ["plain.csv", "umsätze 2025.csv", "売上" * 30 + ".csv"])
@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 57 * 4096, 57 * 4096 + 1, 600_000])
def test_an_attachment_comes_back_as_it_was(media_type: str, content_type: str, name: str, size: int) -> None:
    data = bytes(i * 31 % 251 for i in range(size))
    parsed = _parsed(make_message(text="see attachment", attachments=(_attachment(name, media_type, data),)))
    (part,) = parsed.iter_attachments()
    assert part.get_content_type() == content_type
    assert part.get_filename() == name
    assert part.get_payload(decode=True) == data


@pytest.mark.parametrize(
    ("media_type", "parameters"),
    [
        ("text/calendar; method=REQUEST; charset=utf-8", {"method": "REQUEST", "charset": "utf-8"}),
        ('application/pdf; name="a b.pdf"', {"name": "a b.pdf"}),
        ("application/pdf; name*=utf-8''%C3%BCbersicht.pdf", {"name": "übersicht.pdf"}),
        (f'application/pdf; name="{"long " * 40}.pdf"', {"name": f"{'long ' * 40}.pdf"}),
    ],
)
def test_the_parameters_of_an_attachments_type_come_back(media_type: str, parameters: dict[str, str]) -> None:
    written = make_message(text="see attachment", attachments=(_attachment("a", media_type, b"x"),))
    (part,) = _parsed(written).iter_attachments()
    header = part["Content-Type"]
    assert header.content_type == media_type.partition(";")[0]
    assert dict(header.params) == parameters


def test_files_read_in_small_pieces_are_encoded_the_same() -> None:
    class Dribbling(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 1000))

    data = bytes(range(256)) * 1000
    assert Attachment.read("a", "b/c", 1, Dribbling(data)) == Attachment.read("a", "b/c", 1, io.BytesIO(data))


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Hello\r\nBcc: eve@example.com"},
        {"sender": Mailbox("Bureau\nX-Evil: 1", "bureau@example.com")},
        {"to": (Mailbox("Ada\r\n\r\n<script>", "ada@example.com"),)},
        {"cc": (Mailbox("", "ada@example.com\nBcc: eve@example.com"),)},
        {"bcc": (Mailbox("", "ada@example.com\rX: y"),)},
        {"to": (Mailbox("", "josé\u2028Bcc:eve@example.com"),)},
        {"reply_to": Mailbox("", "josé\x85@example.com")},
        {"reply_to": Mailbox("a\0b", "ada@example.com")},
        {"attachments": (Attachment("a\r\nb.csv", "text/csv", 0, b""),)},
        {"attachments": (Attachment("a.csv", "text/csv; a=b\r\nX-Evil: 1", 0, b""),)},
    ],
)
def test_header_injection_is_refused_when_the_message_is_made(fields: dict[str, object]) -> None:
    with pytest.raises(PermanentError, match="line break"):
        make_message(text="x", **fields)


def test_inline_images_are_related_to_the_html() -> None:
    logo = Attachment.read("logo.png", "image/png", 3, io.BytesIO(b"PNG"), "logo")
    files = (_attachment("a.bin", "application/octet-stream", b"x"),)
    parsed = _parsed(make_message(text="t", html='<img src="cid:logo">', inline=(logo,), attachments=files))
    kinds = [part.get_content_type() for part in parsed.walk()]
    assert kinds == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"),
        "application/octet-stream",
    ]
    image = next(part for part in parsed.walk() if part.get_content_type() == "image/png")
    assert (image["Content-ID"], image.get_content_disposition(), image.get_content()) == ("<logo>", "inline", b"PNG")


@pytest.mark.parametrize(
    ("address", "one_click"),
    [("https://lists.example.com/off?x=1", "List-Unsubscribe=One-Click"), ("mailto:off@lists.example.com", None)],
)
def test_a_reader_may_unsubscribe(address: str, one_click: str | None) -> None:
    parsed = _parsed(make_message(text="x", unsubscribe=address))
    assert parsed["List-Unsubscribe"] == f"<{address}>"
    assert parsed["List-Unsubscribe-Post"] == one_click


def test_a_line_break_in_what_is_new_is_refused() -> None:
    for change in (
        {"unsubscribe": "https://a.example/\r\nBcc: eve@example.com"},
        {"inline": (Attachment.read("a.png", "image/png", 1, io.BytesIO(b"x"), "a>\r\nX: y"),)},
    ):
        with pytest.raises(PermanentError, match="line break"):
            make_message(html="x", **change)
