"""Represents a message and writes its RFC 5322 bytes in the form that the server accepts."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import Enum
from typing import BinaryIO
from uuid import UUID

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import Mailbox
from bureau.contracts.mail.own_headers import header_errors
from bureau.contracts.media_types import MediaType
from bureau.services.mailer.message.headers import (
    address_header,
    one_address,
    one_line,
    own_header,
    parameter_header,
    text_header,
    token_header,
)

CRLF = b"\r\n"
UNDISCLOSED = "undisclosed-recipients:;"  # an empty group (RFC 5322, section 3.4), for a mail with blind copies only
_LONGEST_LINE = 998  # RFC 5322, section 2.1.1
_BASE64_LINE = 76
_DOMAIN = 200  # maximum characters of the domain in a Message-ID: the ledger stores 255 of the whole
_ASCII = bytes(range(128))
_BLOCK = 57 * 4096  # a multiple of base64 lines: 57 bytes make 76 characters


def message_id(task_id: UUID, sender: Mailbox) -> str:
    """Returns the Message-ID, which is the same for every attempt of a task.

    Mail programs that compare IDs therefore show a mail that was sent twice as one.
    """
    return f"<{task_id}@{sender.domain[-_DOMAIN:].lstrip('.-')}>"


class MessageForm(Enum):
    """Names how a message is written; it depends on what the server accepts."""

    ASCII = "ascii"  # every byte is ASCII: any server accepts it
    EIGHT_BIT = "8bit"  # text is unencoded, in UTF-8: 8BITMIME (RFC 6152)
    UTF8 = "utf-8"  # so are addresses in the headers (RFC 6532): SMTPUTF8 (RFC 6531), which comes with 8BITMIME


@dataclass(frozen=True)
class Attachment:
    """Holds a file of a message. `encoded` is base64 in lines of 76 characters with CRLF between them.

    `media_type` is valid, with its parameters.

    With a `content_id` it is an image that the HTML part shows as `cid:<content_id>` (RFC 2392).
    """

    name: str
    media_type: str
    size: int
    encoded: bytes
    content_id: str | None = None

    @classmethod
    def read(cls, name: str, media_type: str, size: int, file: BinaryIO, content_id: str | None = None) -> "Attachment":
        """Streams `file` into base64; only one block is in memory besides the result."""
        return cls(name, media_type, size, CRLF.join(_base64_lines(file)), content_id)


@dataclass(frozen=True)
class Marks:
    """Identifies the attempt of a task's mail; a provider is told to name it in its events."""

    job: UUID
    task: UUID
    n: int


@dataclass(frozen=True)
class Message:
    """Represents one mail.

    `message_id` includes its angle brackets; `text` or `html` may be missing, not both.
    """

    message_id: str
    date: datetime
    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: Mailbox | None = None
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    inline: tuple[Attachment, ...] = ()  # each with a content_id
    unsubscribe: str | None = None  # an https: or mailto: address
    headers: Mapping[str, str] = field(default_factory=dict)  # the request's own: see `own_headers`
    categories: tuple[str, ...] = ()  # for the provider's statistics
    marks: Marks | None = None

    def __post_init__(self) -> None:
        # These checks also cover transports that never use the bytes below.
        one_line("subject", self.subject)
        for box in (self.sender, *self.to, *self.cc, *self.bcc, *((self.reply_to,) if self.reply_to else ())):
            one_address("address", box)
        one_line("unsubscribe", self.unsubscribe or "")
        if errors := list(header_errors(self.headers)):
            raise PermanentError("mail_header_invalid", f"headers: {'; '.join(errors)}.")
        for attachment in (*self.attachments, *self.inline):
            one_line("attachment name", attachment.name)
            one_line("media type", attachment.media_type)
            one_line("content id", attachment.content_id or "")

    @property
    def unsubscribe_headers(self) -> dict[str, str]:
        """Returns List-Unsubscribe (RFC 2369) and, for an https address, the one-click header (RFC 8058)."""
        if self.unsubscribe is None:
            return {}
        headers = {"List-Unsubscribe": f"<{self.unsubscribe}>"}
        if self.unsubscribe.startswith("https://"):
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return headers

    def written(self, form: MessageForm) -> bytes:
        """Returns the headers and parts with CRLF line ends, without `bcc`.

        In `ASCII` and `EIGHT_BIT`, headers only name mailboxes whose addresses are not ASCII. Use `UTF8` for a message
        whose `sender` or `reply_to` has such an address.
        """
        content = self._content(eight_bit=form is not MessageForm.ASCII)
        first, *rest = _pieces(content, self.message_id.strip("<>").partition("@")[0])
        return CRLF.join([self._headers(ascii_only=form is not MessageForm.UTF8).encode() + first, *rest, b""])

    def _headers(self, *, ascii_only: bool) -> str:
        lines = [
            address_header(name, boxes, ascii_only=ascii_only)
            for name, boxes in (
                ("From", [self.sender]),
                ("To", self.to),
                ("Cc", self.cc),
                ("Reply-To", [self.reply_to] if self.reply_to else []),
            )
            if boxes
        ]
        lines += [
            *([] if self.to or self.cc else [token_header("To", UNDISCLOSED)]),
            text_header("Subject", self.subject),
            token_header("Date", format_datetime(self.date)),
            token_header("Message-ID", self.message_id),
            *(token_header(name, value) for name, value in self.unsubscribe_headers.items()),
            *(own_header(name, value) for name, value in self.headers.items()),
            token_header("MIME-Version", "1.0"),
        ]
        return "".join(lines)

    def _content(self, *, eight_bit: bool) -> "_Part":
        bodies: list[_Part] = []
        if self.text is not None:
            bodies.append(_text_part("plain", self.text, eight_bit=eight_bit))
        if self.html is not None:
            page = _text_part("html", self.html, eight_bit=eight_bit)
            shown = tuple(_attachment_part(image) for image in self.inline)
            bodies.append(_Multipart("related", (page, *shown)) if shown else page)
        body = bodies[0] if len(bodies) == 1 else _Multipart("alternative", tuple(bodies))
        if not self.attachments:
            return body
        return _Multipart("mixed", (body, *(_attachment_part(attachment) for attachment in self.attachments)))


@dataclass(frozen=True)
class _Leaf:
    """Holds finished headers and a body without its last line break."""

    headers: str
    body: bytes
    eight_bit: bool = False


@dataclass(frozen=True)
class _Multipart:
    kind: str
    parts: "tuple[_Part, ...]"

    @property
    def eight_bit(self) -> bool:
        return any(part.eight_bit for part in self.parts)


_Part = _Leaf | _Multipart


def _pieces(part: _Part, unique: str, depth: int = 0) -> Iterator[bytes]:
    """Yields the parts between line breaks. Bodies are not copied here; they are copied once, into the whole."""
    if isinstance(part, _Leaf):
        yield part.headers.encode("ascii")
        yield part.body
        return
    # "=_" appears neither in base64 nor in quoted-printable, and text that contains it is sent in one of these.
    boundary = f"=_{depth}_{unique}"
    headers = parameter_header("Content-Type", f"multipart/{part.kind}", {"boundary": boundary})
    if part.eight_bit:  # a multipart has the encoding of its parts (RFC 2045, section 6.4)
        headers += token_header("Content-Transfer-Encoding", "8bit")
    yield headers.encode("ascii")
    for inner in part.parts:
        yield f"--{boundary}".encode("ascii")
        yield from _pieces(inner, unique, depth + 1)
    yield f"--{boundary}--".encode("ascii")


def _text_part(kind: str, text: str, *, eight_bit: bool) -> _Leaf:
    data = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n").encode()
    encoding, body = _transfer_encoded(data, eight_bit=eight_bit)
    headers = parameter_header("Content-Type", f"text/{kind}", {"charset": "utf-8"})
    return _Leaf(headers + token_header("Content-Transfer-Encoding", encoding), body, encoding == "8bit")


def _transfer_encoded(data: bytes, *, eight_bit: bool) -> tuple[str, bytes]:
    as_it_is = "7bit" if data.isascii() else "8bit"
    if (eight_bit or as_it_is == "7bit") and b"=_" not in data and _longest_line(data) <= _LONGEST_LINE:
        return as_it_is, data
    if len(data.translate(None, _ASCII)) * 3 > len(data):  # quoted-printable would be longer
        return "base64", CRLF.join(_lines(binascii.b2a_base64(data, newline=False)))
    # b2a_qp takes the kind of line break from the data, so the data must contain one.
    return "quoted-printable", binascii.b2a_qp(data + CRLF, istext=True).removesuffix(CRLF)


def _longest_line(data: bytes) -> int:
    return max(map(len, data.split(CRLF)))


def _attachment_part(attachment: Attachment) -> _Leaf:
    kind = MediaType.parse(attachment.media_type)
    headers = parameter_header("Content-Type", kind.kind, kind.parameters)
    headers += token_header("Content-Transfer-Encoding", "base64")
    if attachment.content_id:
        headers += token_header("Content-ID", f"<{attachment.content_id}>")
    shown = "inline" if attachment.content_id else "attachment"
    headers += parameter_header("Content-Disposition", shown, {"filename": attachment.name})
    return _Leaf(headers, attachment.encoded)


def _base64_lines(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while data := file.read(_BLOCK):
        rest += data
        whole = len(rest) - len(rest) % 57
        yield from _lines(base64.b64encode(rest[:whole]))
        rest = rest[whole:]
    if rest:
        yield base64.b64encode(rest)


def _lines(encoded: bytes) -> Iterator[bytes]:
    for start in range(0, len(encoded), _BASE64_LINE):
        yield encoded[start : start + _BASE64_LINE]
