"""Defines the names of text encodings that a request may use for its rosters."""

import codecs
import re
from collections.abc import Mapping
from functools import cache

UTF_8, UTF_16, UTF_32 = "UTF-8", "UTF-16", "UTF-32"

# Maps the name that people see to Python's codec. `utf-8-sig` also reads UTF-8 without a byte order mark.
ENCODINGS: Mapping[str, str] = {
    UTF_8: "utf-8-sig",
    UTF_16: "utf-16",
    "UTF-16LE": "utf-16-le",
    "UTF-16BE": "utf-16-be",
    UTF_32: "utf-32",
    "Windows-874": "cp874",
    **{f"Windows-{page}": f"cp{page}" for page in range(1250, 1259)},
    **{f"ISO-8859-{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))},
    "Mac Roman": "mac-roman",
    "Mac Central European": "mac-latin2",
    "Mac Turkish": "mac-turkish",
    "Mac Cyrillic": "mac-cyrillic",
    "Mac Greek": "mac-greek",
    **{f"DOS {page}": f"cp{page}" for page in (437, 737, 775, 850, 852, 857, 866)},
    "KOI8-R": "koi8-r",
    "KOI8-U": "koi8-u",
    "GB18030": "gb18030",
    "Big5": "cp950",
    "Shift_JIS": "cp932",
    "EUC-KR": "cp949",
}
# Names that Python gives to smaller sets of characters, and names that spreadsheets show.
_OTHER_NAMES = {
    "utf8": UTF_8,
    "utf16": UTF_16,
    "unicode": UTF_16,
    "gbk": "GB18030",
    "gb2312": "GB18030",
    "big5": "Big5",
    "shiftjis": "Shift_JIS",
    "sjis": "Shift_JIS",
    "euckr": "EUC-KR",
    "tis620": "ISO-8859-11",
    "mac": "Mac Roman",
    "macintosh": "Mac Roman",
    "maccentraleurope": "Mac Central European",
}
_BY_NAME = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in ENCODINGS} | _OTHER_NAMES
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:-]{0,39}")


def encoding_name(text: str) -> str | None:
    """Returns the name in `ENCODINGS` that `text` means: `windows-1254`, `cp1254` and `1254` are `Windows-1254`.

    Returns None for a text that names no such encoding.
    """
    text = text.strip()
    if not _WORD.fullmatch(text):
        return None
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    if plain in _BY_NAME:
        return _BY_NAME[plain]
    try:
        return _by_codec().get(codecs.lookup(f"cp{plain}" if plain.isdecimal() else text).name)
    except (LookupError, ValueError):
        return None


@cache
def _by_codec() -> Mapping[str, str]:
    """Returns the names by codec. Looking a codec up imports its module, so no process does it at its start."""
    return {codecs.lookup(codec).name: name for name, codec in ENCODINGS.items()}


def encoding_or_error(text: str) -> str:
    """Returns the name in `ENCODINGS`. Raises ValueError, whose text says which names there are."""
    name = encoding_name(text)
    if name is None:
        raise ValueError(f"“{text[:40]}” is not an encoding; use one of {', '.join(ENCODINGS)}")
    return name
