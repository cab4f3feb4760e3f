"""Tokenizes HTML into tags and texts in linear time.

Python's `html.parser` takes quadratic time for tags that are never closed (`<a <a <a …`), and mails contain HTML that
anybody wrote. This tokenizer remembers where the last `>` and the last `-->` are, so that it never searches twice for
one that does not exist. It follows the HTML standard (WHATWG, section 13.2.5) as far as text needs it: comments, quoted
attributes, elements whose contents are text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

PIECE = 100  # tokens between two checks of whether to stop

_TAG = re.compile(r"</?([a-zA-Z][^\s/>]{0,100})")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+)))?)"""
)
_TAG_END = re.compile(r"[^>]*+>")
_RAW = frozenset({"script", "style", "title", "textarea", "noscript", "iframe", "xmp", "noembed", "noframes"})


@dataclass(frozen=True)
class Start:
    """Marks the start of an element; if an attribute is repeated, the first one counts."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class End:
    """Marks the end of an element."""

    tag: str


Token = Start | End | str


def tokens(html: str, check: Callable[[], None] = lambda: None) -> Iterator[Token]:
    """Yields the tokens; references such as `&amp;` are replaced in texts. `check` may raise to stop it."""
    ends = _Ends(html)
    at = count = 0
    while at < len(html):
        count += 1
        if count % PIECE == 0:
            check()
        opens = html.find("<", at)
        if opens != at:
            opens = len(html) if opens < 0 else opens
            yield unescape(html[at:opens])
            at = opens
            continue
        token, at = _markup(html, at, ends)
        if token is not None:
            yield token
        if isinstance(token, Start) and token.tag in _RAW:
            closes = ends.closing(token.tag, at)
            yield unescape(html[at:closes])
            at = closes


class _Ends:
    """Finds where things end, and remembers for each kind from which position on there are none."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._lower: str | None = None
        self._none_from: dict[str, int] = {}

    def find(self, what: str, at: int) -> int:
        """Returns the next position of a text; -1 if there is none."""
        return self._find(self._html, what, at)

    def closing(self, tag: str, at: int) -> int:
        """Returns the end of an element whose contents are text; the end of the HTML if it is never closed."""
        if self._lower is None:
            lower = self._html.lower()
            self._lower = lower if len(lower) == len(self._html) else self._html  # the positions must agree
        found = self._find(self._lower, f"</{tag}", at)
        return len(self._html) if found < 0 else found

    def _find(self, text: str, what: str, at: int) -> int:
        if at >= self._none_from.get(what, len(text) + 1):
            return -1
        found = text.find(what, at)
        if found < 0:
            self._none_from[what] = at
        return found


def _markup(html: str, at: int, ends: _Ends) -> tuple[Token | None, int]:
    """Returns the token that begins with the `<` at this position, and where it ends."""
    if html.startswith("<!--", at):
        return None, _past(ends, "-->", at + 4, len(html))
    if html.startswith(("<!", "<?"), at):
        return None, _past(ends, ">", at, len(html))
    tag = _TAG.match(html, at)
    if tag is None:
        if html.startswith("</", at):
            return None, _past(ends, ">", at, len(html))
        return "<", at + 1
    if ends.find(">", at) < 0:
        return None, len(html)  # a tag that never ends: no reader would see its contents
    name = tag[1].lower()
    if html[at + 1] == "/":
        return End(name), _past(ends, ">", at, len(html))
    return _start(html, name, tag.end())


def _start(html: str, name: str, at: int) -> tuple[Token | None, int]:
    attributes: dict[str, str] = {}
    while found := _ATTRIBUTE.match(html, at):
        value = next((group for group in found.group(2, 3, 4) if group is not None), "")
        attributes.setdefault(found[1].lower(), unescape(value))
        at = found.end()
    end = _TAG_END.match(html, at)
    return (Start(name, attributes), end.end()) if end else (None, len(html))


def _past(ends: _Ends, what: str, at: int, length: int) -> int:
    found = ends.find(what, at)
    return length if found < 0 else found + len(what)
