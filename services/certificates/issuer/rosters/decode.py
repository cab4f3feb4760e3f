"""A roster's bytes as text, whatever program saved them. Pure."""

import re
import unicodedata
from typing import NamedTuple

_SPREADSHEET = "it is a spreadsheet, not CSV"
_BEGINNINGS = {
    b"PK\x03\x04": _SPREADSHEET,
    b"\xd0\xcf\x11\xe0": _SPREADSHEET,
    b"%PDF": "it is a PDF, not CSV",
}
MEND = "save it as “CSV UTF-8” (Excel: Save as, CSV UTF-8; LibreOffice: Text CSV, character set UTF-8)"

# What names and courses of Western Europe are written with beyond ASCII. A byte that an encoding reads as anything else
# next to a letter speaks against that encoding: guessing wrong would print wrong names.
_PLAUSIBLE = frozenset("áàâäãåæçéèêëíìîïñóòôöõøœúùûüýÿßðþ·’‘´ÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝÐÞªº°–—“”«»¿¡€\u00a0…")
_UPPER, _LOWER = "ÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝÐÞ", "áàâäãåæçéèêëíìîïñóòôöõøœúùûüýÿßðþ"
# The case that changes inside a word (“José” read as “JosÈ”, “MARÍA” as “MARêA”), a dash or an opening sign without a
# space before it (“Ñ” as “–”), and three accented letters in a row (Cyrillic) come of reading the wrong encoding.
_IMPLAUSIBLE = re.compile(
    rf"[a-z{_LOWER}][{_UPPER}]|[{_LOWER}][A-Z{_UPPER}]|[A-Z{_UPPER}]{{2}}[{_LOWER}]"
    rf"|[^\W\d_][–—¿¡“«][^\W\d_]|[{_UPPER}{_LOWER}]{{3}}"
)
_OLDER = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman"}


class Decoded(NamedTuple):
    """`encoding` is its name for people."""

    text: str
    encoding: str


class NotTextError(Exception):
    """No encoding reads the file for certain; the message says what it is and how to save it."""


def decode(data: bytes) -> Decoded:
    """UTF-8 and UTF-16, with or without a byte order mark; else Windows-1252 or Mac Roman, where all that is not ASCII
    reads as letters of Western Europe in one of them. Raises `NotTextError`."""
    for beginning, what in _BEGINNINGS.items():
        if data.startswith(beginning):
            raise NotTextError(f"{what}; {MEND}")
    if wide := _utf16(data):
        try:
            return Decoded(data.decode(wide).removeprefix("\ufeff"), "UTF-16")
        except UnicodeDecodeError:
            raise NotTextError(f"it begins as UTF-16 and does not go on so; {MEND}") from None
    try:
        return Decoded(data.decode("utf-8-sig"), "UTF-8")
    except UnicodeDecodeError as error:
        return _older(data) or _refuse(data, error.start)


def _utf16(data: bytes) -> str | None:
    """The byte order, from the mark, or from where the zeros of Latin letters stand."""
    if data.startswith(b"\xff\xfe"):
        return "utf-16-le"
    if data.startswith(b"\xfe\xff"):
        return "utf-16-be"
    head = data[:200]
    if len(head) >= 8 and len(head) % 2 == 0:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if odd > len(head) * 0.4 and even == 0:
            return "utf-16-le"
        if even > len(head) * 0.4 and odd == 0:
            return "utf-16-be"
    return None


def _older(data: bytes) -> Decoded | None:
    """The old encoding in which everything is plausible. Where that is both, Windows-1252, unless Mac Roman reads
    letters where it reads quotes: “d’art” and “díart” are the same bytes, and nobody can tell."""
    readings = {name: text for codec, name in _OLDER.items() if (text := _read(data, codec)) and _plausible(text)}
    if len(readings) == 2 and _accented(readings["Windows-1252"]) < _accented(readings["Mac Roman"]):
        return None
    return next((Decoded(text, name) for name, text in readings.items()), None)


def _accented(text: str) -> int:
    return sum(ord(c) > 127 and c.isalpha() for c in text)


def _read(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _plausible(text: str) -> bool:
    """Each character beyond ASCII is one that people write, where people write it."""
    if any(unicodedata.category(c) == "Cc" and c not in "\t\r\n" for c in text):
        return False
    return all(c in _PLAUSIBLE for c in text if ord(c) > 127) and not _IMPLAUSIBLE.search(text)


def _refuse(data: bytes, place: int) -> Decoded:
    line = data.count(b"\n", 0, place) + 1
    raise NotTextError(
        f"it is not UTF-8 (byte 0x{data[place]:02X} in line {line}), and no other encoding fits for certain; {MEND}"
    )
