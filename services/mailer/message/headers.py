"""Writes the header lines of a message in ASCII; only addresses may be in UTF-8 (RFC 6532).

It applies RFC 5322 folding, RFC 2047 encoded words and RFC 2231 parameters.

The `email` package is not used: its modern classes take 0.5 ms of CPU a message and, in the Python versions Bureau runs
on, lose spaces and quotes in some names of several scripts; its older classes let CR and LF through. Every value passes
`one_line` first.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import Mailbox

LINE = 76  # the limit for a line with an encoded word (RFC 2047, section 2); other lines should not exceed 78
_WORD_BYTES = 39  # bytes of UTF-8 in an encoded word: 52 characters of base64, 12 around them, and `Reply-To: ` before
_FOLD = "\r\n "

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SEPARATOR = re.compile(r"[\x80-\x9f\u2028\u2029]")  # some readers end lines at these
_PLAIN = re.compile(r"^[\x20-\x7e]*$")
_PHRASE = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
_TOKEN = re.compile(r"^[A-Za-z0-9!#$&+^_`{}~.-]+$")
_PARAMETER_SAFE = "!#$&+^_`{}~.-"  # RFC 2231's attribute-char, besides letters and digits


def one_line(name: str, value: str) -> None:
    """Raises an error for control characters: a line break would add headers; NUL and others are invalid too."""
    if _CONTROL.search(value):
        raise PermanentError(
            "mail_header_invalid",
            f"{name.lower()}: {value[:100]!r} holds a line break or another control character. "
            "A header is one line; remove it.",
        )


def one_address(name: str, box: Mailbox) -> None:
    """Checks a mailbox as `one_line` does, and its address more strictly, because it may be in the header in UTF-8."""
    one_line(name, box.name + _SEPARATOR.sub("\n", box.address))


def text_header(name: str, value: str) -> str:
    """Writes an unstructured header (Subject), folded at spaces, or as encoded words if it is not plain ASCII."""
    one_line(name, value)
    words = value.split(" ")
    if _PLAIN.match(value) and "=?" not in value and all(0 < len(word) < LINE for word in words):
        return _folded(f"{name}: {words[0]}", words[1:])
    return f"{name}: {_FOLD.join(_encoded_words(value))}\r\n"


def address_header(name: str, boxes: Sequence[Mailbox], *, ascii_only: bool = False) -> str:
    """Writes a header with a list of mailboxes (From, To, Cc, Reply-To), one per line.

    With `ascii_only`, an address that is not ASCII is only named, in a group without members, because nobody can answer
    to it. RFC 6857 defines such groups too.
    """
    for box in boxes:
        one_address(name, box)
    written = (_group(box) if ascii_only and not box.address.isascii() else _mailbox(box) for box in boxes)
    return f"{name}: {f',{_FOLD}'.join(written)}\r\n"


def token_header(name: str, value: str) -> str:
    """Writes a header whose value is Bureau's own and plain: Date, Message-ID, MIME-Version."""
    one_line(name, value)
    return f"{name}: {value}\r\n"


def own_header(name: str, value: str) -> str:
    """Writes a header that the request named. Text that is not ASCII becomes encoded words.

    Words are not broken: an address in `List-…` would no longer be one.
    """
    one_line(name, name + value)
    first, *rest = own_value(value).split(" ")
    return _folded(f"{name}: {first}", rest)


def own_value(value: str) -> str:
    """Returns the value in ASCII, with single spaces where the line may be folded."""
    words = value.split()
    return " ".join(words if value.isascii() and "=?" not in value else _encoded_words(" ".join(words)))


def parameter_header(name: str, value: str, parameters: dict[str, str]) -> str:
    """Writes a header with parameters (Content-Type, Content-Disposition)."""
    pieces = [value]
    for key, text in parameters.items():
        one_line(f"{name} {key}", text)
        pieces += _parameter(key, text)
    first, *rest = [f"{piece};" for piece in pieces[:-1]] + pieces[-1:]
    return _folded(f"{name}: {first}", rest)


def _folded(start: str, words: Sequence[str]) -> str:
    """Folds a line before each word that would exceed its length."""
    lines = [start]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > LINE:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines) + "\r\n"


def _encoded_words(text: str) -> Iterator[str]:
    """Yields base64 words of whole characters: a split character would be garbled (RFC 2047, section 5)."""
    chunk = b""
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > _WORD_BYTES:
            yield _encoded_word(chunk)
            chunk = b""
        chunk += encoded
    yield _encoded_word(chunk)


def _encoded_word(data: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(data).decode()}?="


def _mailbox(box: Mailbox) -> str:
    if not box.name:
        return box.address
    if _PHRASE.match(box.name) and "=?" not in box.name and len(box.name) < LINE - 10:
        phrase = box.name
    elif _PLAIN.match(box.name) and "=?" not in box.name and len(box.name) < LINE - 10:
        phrase = '"' + box.name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    else:
        phrase = _FOLD.join(_encoded_words(box.name))
    break_ = _FOLD if len(phrase) + len(box.address) > LINE - 15 else " "
    return f"{phrase}{break_}<{box.address}>"


def _group(box: Mailbox) -> str:
    words = _encoded_words(f"{box.name} {box.address}".strip())
    return f"Internationalized address{_FOLD}{_FOLD.join(words)}{_FOLD}removed:;"


def _parameter(key: str, text: str) -> Iterator[str]:
    # A quoted semicolon is valid, but some readers cut the name off there.
    if _PLAIN.match(text) and ";" not in text and len(text) < LINE - len(key) - 6:
        safe = text if _TOKEN.match(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        yield f"{key}={safe}"
        return
    encoded = quote(text, safe=_PARAMETER_SAFE)
    room = LINE - len(key) - 10
    if len(encoded) <= room - len("utf-8''"):
        yield f"{key}*=utf-8''{encoded}"
        return
    for number, piece in enumerate(_pieces(text, room)):
        yield f"{key}*{number}*={piece}"


def _pieces(text: str, room: int) -> Iterator[str]:
    """Yields pieces of whole characters, because some readers decode each piece by itself."""
    piece = "utf-8''"
    for character in text:
        encoded = quote(character, safe=_PARAMETER_SAFE)
        if len(piece) + len(encoded) > room:
            yield piece
            piece = ""
        piece += encoded
    yield piece
