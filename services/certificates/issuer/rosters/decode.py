"""Decodes a roster's bytes, whatever program saved them. Pure."""

import codecs
import re
from typing import NamedTuple

from bureau.contracts.encodings import ENCODINGS, UTF_8, UTF_16, UTF_32
from bureau.services.certificates.issuer.rosters.weigh import Reading, sample, weigh

_SPREADSHEET = "it is a spreadsheet, not CSV"
_BEGINNINGS = {
    b"PK\x03\x04": _SPREADSHEET,
    b"\xd0\xcf\x11\xe0": _SPREADSHEET,
    b"%PDF": "it is a PDF, not CSV",
}
_SAVE_AS = "save it as “CSV UTF-8” (Excel: Save as, CSV UTF-8; LibreOffice: Text CSV, character set UTF-8)"
_MARKS = (  # UTF-32 comes first, because its mark begins like that of UTF-16
    (codecs.BOM_UTF32_LE, UTF_32, "utf-32"),
    (codecs.BOM_UTF32_BE, UTF_32, "utf-32"),
    (codecs.BOM_UTF8, UTF_8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, UTF_16, "utf-16"),
    (codecs.BOM_UTF16_BE, UTF_16, "utf-16"),
)
_HEAD_BYTES = 64 * 1024
_SHOWN = 3  # readings that an error names
_UTF_8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ASCII = bytes(range(0x80))


class Decoded(NamedTuple):
    """Holds decoded text. `encoding` is its name for people."""

    text: str
    encoding: str


class NotTextError(Exception):
    """Says that no encoding reads the file for certain.

    The message says what the file is and how to save it.
    """


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """Returns the text of a file. `encoding`, a name of `ENCODINGS`, is the one that the request names.

    Without it, the file is read as UTF-8 or UTF-16, with or without a byte order mark, or else in the encoding that
    makes the likeliest names (`weigh`). Raises `NotTextError` where two encodings are about equally likely, because a
    guess would print wrong names.
    """
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            raise NotTextError(f"{kind}; {_SAVE_AS}")
    if encoding is not None:
        return _as_requested(data, encoding)
    if marked := _marked(data):
        return marked
    if wide := _utf_16_without_mark(data):
        return wide
    try:
        return Decoded(data.decode("utf-8"), UTF_8)
    except UnicodeDecodeError as error:
        return _weighed(data, error.start)


def _as_requested(data: bytes, encoding: str) -> Decoded:
    for mark, name, _ in _MARKS:
        if data.startswith(mark) and not encoding.startswith(name):
            raise NotTextError(f"the request says {encoding}, but the file begins with the mark of {name}; correct one")
    try:
        text = data.decode(ENCODINGS[encoding])
    except UnicodeDecodeError as error:
        raise NotTextError(f"it is not {encoding}, as the request says: {_byte(data, error.start)}") from None
    return Decoded(text.removeprefix("\ufeff"), encoding)


def _marked(data: bytes) -> Decoded | None:
    for mark, name, codec in _MARKS:
        if data.startswith(mark):
            try:
                return Decoded(data.decode(codec), name)
            except UnicodeDecodeError as error:
                place = f"{_byte(data, error.start)}"
                raise NotTextError(f"it begins as {name}, but does not continue so: {place}; {_SAVE_AS}") from None
    return None


def _utf_16_without_mark(data: bytes) -> Decoded | None:
    """Reads UTF-16 by its zeros: every second byte of Latin letters, delimiters and line ends is one.

    The line ends decide, where there are any: a text in another encoding that holds a stray zero has none that fit.
    """
    head = data[:_HEAD_BYTES]
    if 0 not in head or len(data) % 2:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    codec, line_end = ("utf-16-le", b"\n\x00") if odd > even else ("utf-16-be", b"\x00\n")
    if min(even, odd) * 20 > max(even, odd) or max(even, odd) * 40 < len(head):
        return None
    if b"\n" in head and not any(match.start() % 2 == 0 for match in re.finditer(re.escape(line_end), head)):
        return None
    try:
        return Decoded(data.decode(codec), UTF_16)
    except UnicodeDecodeError:
        return None


def _weighed(data: bytes, first_byte: int) -> Decoded:
    sequences = sum(1 for _ in _UTF_8_SEQUENCE.finditer(data))
    strays = len(_UTF_8_SEQUENCE.sub(b"", data).translate(None, _ASCII))
    if sequences > strays:
        raise NotTextError(f"it is UTF-8 with damaged characters: {_byte(data, first_byte)}; {_SAVE_AS}")
    readings = [reading for reading in weigh(data) if reading.plausible]
    if not readings:
        raise NotTextError(
            f"it is not UTF-8 ({_byte(data, first_byte)}), and no other encoding yields names; {_SAVE_AS}"
        )
    best = readings[0]
    rivals = [reading for reading in readings[1:] if not best.certain_against(reading)]
    if rivals:
        raise NotTextError(_undecided(data, [best, *rivals][:_SHOWN]))
    return Decoded(data.decode(ENCODINGS[best.encoding]), best.encoding)


def _undecided(data: bytes, readings: list[Reading]) -> str:
    """Shows one word of the file as each of the encodings reads it, because whoever knows the person can tell."""
    best, rival, *_ = readings
    differing = best.first_difference(rival)
    shown = [reading.encoding for reading in readings]
    line = ""
    if differing is not None:
        number = differing[0]
        word = sample(data)[0][number]
        line = f"; line {_line(data, data.find(word))}"
        shown = [f"{reading.encoding} (“{reading.words[number][:40]}”)" for reading in readings]
    return (
        f"its encoding is not certain: it may be {', '.join(shown[:-1])} or {shown[-1]}{line}. "
        f"Say which one it is with encoding={best.encoding}, for example, or {_SAVE_AS}"
    )


def _byte(data: bytes, place: int) -> str:
    return f"byte 0x{data[place]:02X} in line {_line(data, place)}" if place < len(data) else "it ends too early"


def _line(data: bytes, place: int) -> int:
    return data.count(b"\n", 0, max(place, 0)) + 1
