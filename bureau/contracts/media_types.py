"""Reads and writes media types with their parameters, such as `text/calendar; method=REQUEST`.

The grammar is that of RFC 2045, section 5.1; type and subtype follow RFC 6838, section 4.2. A value that is not ASCII
is written as RFC 2231 has it: `name*=utf-8''%C3%BCbersicht.pdf`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

LONGEST = 255  # the ledger's column

_KIND = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+", re.ASCII)
_PARAMETER = re.compile(r'[ \t]*;[ \t]*(?:([^\s;="]*)[ \t]*=[ \t]*)?(?:"((?:[^"\\]|\\.)*)"|([^;"]*))[ \t]*', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_EXTENDED = re.compile(r"(?i:(utf-8|iso-8859-1|us-ascii))'[A-Za-z0-9-]*'([!-~]*)", re.ASCII)
_ATTRIBUTE_SAFE = "!#$&+^_`{}~.-"  # RFC 2231's attribute-char, besides letters and digits


@dataclass(frozen=True)
class MediaType:
    """Holds a media type. `kind` and the parameters' names are in lower case, values are as people read them."""

    kind: str
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "MediaType":
        """Parses a media type. Raises ValueError with the rule that the text breaks."""
        found, given = _kind(text), list(_parameters(text))
        if found is None:
            raise ValueError("a media type such as text/csv begins it")
        if None in given:
            raise ValueError('a parameter is name=value or name="value"')
        parsed = cls(found, dict(one for one in reversed(given) if one))
        if len(str(parsed)) > LONGEST:
            raise ValueError(f"it has at most {LONGEST} characters")
        return parsed

    @classmethod
    def salvage(cls, text: str) -> "MediaType | None":
        """Parses what another program wrote: it drops invalid parameters, and those that would make it too long.

        Returns None if the text does not begin with a media type, or if that is too long.
        """
        kind = _kind(text)
        if kind is None or len(kind) > LONGEST:
            return None
        kept = cls(kind)
        for one in _parameters(text, strict=False):
            if one and one[0] not in kept.parameters:
                longer = cls(kind, {**kept.parameters, one[0]: one[1]})
                kept = longer if len(str(longer)) <= LONGEST else kept
        return kept

    def __str__(self) -> str:
        """Returns it in ASCII, on one line, for a header."""
        return "; ".join((self.kind, *(_written(name, value) for name, value in self.parameters.items())))


def _kind(text: str) -> str | None:
    begin = text.partition(";")[0].strip(" \t")
    return begin.lower() if _KIND.fullmatch(begin) else None


def _parameters(text: str, *, strict: bool = True) -> Iterator[tuple[str, str] | None]:
    """Yields names and values; None for a parameter that is invalid. Unless `strict`, quotes may be missing."""
    place = text.find(";")
    while 0 <= place < len(text):
        match = _PARAMETER.match(text, place)
        if match is None or (match.end() < len(text) and text[match.end()] != ";"):  # a quote that does not end, or
            yield None  # text behind one
            place = text.find(";", place + 1)
            continue
        place = match.end()
        name, quoted, plain = match.groups()
        if name is None and quoted is None and not plain.strip(" \t"):
            continue  # `text/csv;` names none
        yield _parameter(name or "", quoted, plain, strict=strict)


def _parameter(name: str, quoted: str | None, plain: str | None, *, strict: bool) -> tuple[str, str] | None:
    value: str | None = _ESCAPED.sub(r"\1", quoted) if quoted is not None else (plain or "").rstrip(" \t")
    if quoted is None and (not value or (strict and not _TOKEN.fullmatch(value))):
        return None
    if name.endswith("*"):
        name, value = name[:-1], _extended(value or "")
    if value is None or not value.isprintable() or not _TOKEN.fullmatch(name) or "*" in name:
        return None
    return name.lower(), value


def _extended(value: str) -> str | None:
    match = _EXTENDED.fullmatch(value)
    try:
        return unquote_to_bytes(match[2]).decode(match[1]) if match else None
    except UnicodeDecodeError:
        return None


def _written(name: str, value: str) -> str:
    if _TOKEN.fullmatch(value):
        return f"{name}={value}"
    if value.isascii():
        return f'{name}="' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name}*=utf-8''{quote(value, safe=_ATTRIBUTE_SAFE)}"
