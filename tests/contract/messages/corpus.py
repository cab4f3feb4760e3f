"""Messages of every kind that a mail server, a mailbox and two parsers must give back as they were."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Attachment, Message

SENDER = Mailbox("Bureau", "bureau@example.com")
ADA = Mailbox("", "ada@example.com")

SCRIPTS = {
    "latin": "Zoë Müller, Łódź, Åse & Ñandú",
    "catalan": "Núria: l·l, ç, à",
    "greek": "Καλημέρα κόσμε",
    "cyrillic": "Здравствуй, мир",
    "arabic": "مرحبا بالعالم",
    "hebrew": "שלום עולם",
    "hindi": "नमस्ते दुनिया",
    "thai": "สวัสดีชาวโลก",
    "chinese": "你好，世界",
    "japanese": "こんにちは世界。カタカナ",
    "korean": "안녕하세요 세계",
    "emoji": "👩‍👩‍👧‍👦 family, 🇨🇦 flag, e\u0301 combined",
    "mixed": "one два three 四 خمسة",
    "astral": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈",
}
TEXTS = {
    "empty": "",
    "one line": "Hello",
    "no last break": "a\nb",
    "several breaks at the end": "a\n\n\n",
    "dots": ".\n..\n...\n.dot\n\n.\nend",
    "a dot alone": ".",
    "from at the start": "From here\n>From there\nFrom: nobody\n",
    "headers in the body": "Subject: x\nBcc: eve@example.com\n\nbody",
    "long ascii line": "x" * 5000,
    "long words": " ".join(["word"] * 2000),
    "998 characters": "y" * 998,
    "999 characters": "y" * 999,
    "long line of é": "é" * 3000,
    "trailing blanks": "a  \nb\t\n \n",
    "tabs": "\ta\tb",
    "crlf": "a\r\nb\r\n",
    "lone cr": "a\rb",
    "a boundary": "--=_0_018f3c5e\n--=_0_018f3c5e--\n",
    "quoted-printable look": "=E9=\nsoft=20",
    "base64 look": "SGVsbG8=\n",
    "form feed and bell": "a\x0cb\x07c",
    "ten thousand lines": "line\n" * 10_000,
    "nel and separators": "a\u0085b\u2028c\u2029d",
}
LOCAL_PARTS = {
    "latin": "josé",
    "chinese": "用户",
    "cyrillic": "пример",
    "hindi": "अजय.कुमार",
    "arabic": "مستخدم",
    "emoji": "👩🚀",
    "64 octets": "é" * 32,
    "ascii and not": "user+标签",
}
NAMES = {
    "plain": "report.csv",
    "blanks": "monthly report final.csv",
    "quotes": "the best.csv",
    "accents": "résumé à jour.pdf",
    "chinese": "报告二〇二六年.pdf",
    "arabic": "تقرير.pdf",
    "emoji": "📊 figures.xlsx",
    "long": "a-very-long-name-" * 8 + ".txt",
    "long and not ascii": "отчёт-за-квартал-" * 6 + ".txt",
    "percent and apostrophe": "100% of it's.csv",
    "semicolon": "a;b=c.csv",
    "backslash-free brackets": "a (1) [2] {3}.csv",
    "no extension": "README",
    "equals and question": "a=b,c.csv",
}
MEDIA = {
    "empty": ("application/octet-stream", b""),
    "one byte": ("application/octet-stream", b"\x00"),
    "all bytes": ("application/octet-stream", bytes(range(256)) * 40),
    "csv": ("text/csv; charset=utf-8", "id,nom\r\n1,Núria\r\n".encode()),
    "text with lone breaks": ("text/plain; charset=utf-8", b"a\nb\rc\r\nd"),
    "html": ("text/html; charset=utf-8", b"<p>.</p>\n.\n"),
    "pdf": ("application/pdf", b"%PDF-1.7\n" + bytes(range(256))),
    "png": ("image/png", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "57 bytes": ("application/octet-stream", b"x" * 57),
    "58 bytes": ("application/octet-stream", b"x" * 58),
    "a megabyte": ("application/zip", bytes(range(256)) * 4096),
}


@dataclass(frozen=True)
class Sample:
    """A message and the bytes of its attachments and inline images."""

    name: str
    message: Message
    files: tuple[tuple[str, str, bytes], ...] = ()  # name, media type without parameters, bytes

    @property
    def recipients(self) -> tuple[str, ...]:
        message = self.message
        return tuple(box.address for box in (*message.to, *message.cc, *message.bcc))


def samples() -> list[Sample]:
    """At least sixty, each with a Message-ID of its own."""
    return [_sample(number, **given) for number, given in enumerate(_given())]


def _given() -> Iterator[dict[str, Any]]:
    for name, words in SCRIPTS.items():
        box = Mailbox(words, "ada@example.com")
        yield {"name": f"script: {name}", "subject": words, "text": f"{words}\n" * 3, "to": (box,), "sender": box}
    for name, text in TEXTS.items():
        yield {"name": f"text: {name}", "text": text}
    for name, text in (("script", "".join(SCRIPTS.values())), ("dots", ".\n..\n"), ("empty", "")):
        yield {"name": f"html: {name}", "text": None, "html": f"<p>{text}</p>"}
    yield {"name": "both parts empty", "text": "", "html": ""}
    yield {"name": "text and html", "text": "Zoë", "html": "<p>Zoë</p>", "unsubscribe": "https://example.com/off?a=b"}
    for name, file in NAMES.items():
        yield {"name": f"file name: {name}", "files": ((file, "application/octet-stream", b"x\r\n.\r\n"),)}
    for name, (kind, data) in MEDIA.items():
        yield {"name": f"attachment: {name}", "files": (("file.bin", kind, data),), "html": "<p>x</p>"}
    yield {"name": "fifty attachments", "files": tuple((f"{n}.bin", "image/png", bytes([n])) for n in range(50))}
    yield {"name": "an inline image", "html": '<img src="cid:logo">', "images": (("logo.png", "image/png", b"PNG"),)}
    people = tuple(Mailbox(f"Person №{n}" if n % 2 else "", f"person{n}@example.com") for n in range(100))
    yield {"name": "a hundred recipients", "to": people}
    yield {
        "name": "copies",
        "cc": people[:3],
        "bcc": people[3:5],
        "reply_to": Mailbox("Hélène, «répondre»", "r@example.com"),
    }
    for name, local in LOCAL_PARTS.items():
        box = Mailbox("Zoë", f"{local}@example.com")
        both = (Mailbox("", f"{local}@xn--bcher-kva.example"), ADA)
        yield {"name": f"address: {name}", "sender": box, "to": both, "cc": (box,), "reply_to": box, "text": "Zoë\n.\n"}
    blind = (Mailbox("", "用户@example.com"),)
    yield {"name": "an address in another script that nobody sees", "bcc": blind, "text": "x"}
    yield {"name": "both parts and a file beside an address in another script", **_mixed(blind)}
    for name, words in (
        ("quotes", 'Ada "the first" \\ Lovelace'),
        ("comma", "Lovelace, Ada"),
        ("encoded look", "=?utf-8?q?x?="),
        ("long", "Ada " * 60),
    ):
        yield {"name": f"display name: {name}", "to": (Mailbox(words.strip(), "ada@example.com"),), "text": "x"}
    for name, subject in (
        ("long", "word " * 150 + "end"),
        ("long without blanks", "x" * 900),
        ("long chinese", "世界" * 200),
        ("encoded look", "=?utf-8?q?x?="),
        ("blanks", "a  b   c"),
        ("one letter", "é"),
    ):
        yield {"name": f"subject: {name}", "subject": subject}


def _mixed(to: tuple[Mailbox, ...]) -> dict[str, Any]:
    files = (("报告.pdf", "application/pdf", b"%PDF-1.7\n" + bytes(range(256))),)
    return {"to": to, "subject": "Zoë", "text": "läßt grüßen\n", "html": "<p>你好</p>\n", "files": files}


def _sample(number: int, name: str, **given: Any) -> Sample:
    files, images = given.pop("files", ()), given.pop("images", ())
    values: dict[str, Any] = {"sender": SENDER, "to": (ADA,), "subject": name, "text": "Hello\n", **given}
    message = Message(
        message_id=f"<{UUID(int=number + 1)}@example.com>",
        date=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        attachments=tuple(_attachment(*file) for file in files),
        inline=tuple(_attachment(name, kind, data, "logo") for name, kind, data in images),
        **values,
    )
    both = (*images, *files)
    return Sample(name, message, tuple((file, kind.partition(";")[0], data) for file, kind, data in both))


def _attachment(name: str, kind: str, data: bytes, cid: str | None = None) -> Attachment:
    return Attachment.read(name, kind, len(data), io.BytesIO(data), cid)
