"""Makes text from HTML for mails without text, because some people read text and filters distrust mail without it."""

import re
from collections import Counter
from collections.abc import Callable

from bureau.services.mailer.message.html_tokens import End, Start, tokens

# These are not shown to a reader: the head, and the preview line that mail programs show in a list.
_UNSEEN = frozenset({"head", "style", "script", "title", "template"})
_ALONE = frozenset({"br", "hr", "img", "input", "link", "meta", "col", "wbr", "area", "base", "embed", "source"})
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "div", "dl", "dt", "dd", "figure", "footer", "form", "header"}
    | {"li", "main", "nav", "ol", "section", "table", "tbody", "thead", "tr", "ul"}
)
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "ul", "ol", "blockquote"})
# These mark where an element begins or ends; any number of adjacent marks is one break.
_LINE, _PARAGRAPH = "\x01", "\x02"
_BREAKS = re.compile(r"(?<! ) *+[\x01\x02][ \x01\x02]*+")  # begins at the first of several blanks, not at each
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def plain_text(html: str, check: Callable[[], None] = lambda: None) -> str:
    """Returns the visible text as lines that end with a line break; links show their address, images their `alt`.

    `check` is called repeatedly; it may raise to stop the work.
    """
    reader = _Reader()
    for token in tokens(html, check):
        match token:
            case Start(tag, attributes):
                reader.start(tag, attributes)
            case End(tag):
                reader.end(tag)
            case text:
                reader.text(text)
    broken = _BREAKS.sub(lambda found: "\n\n" if _PARAGRAPH in found[0] else "\n", "".join(reader.pieces))
    lines = [" ".join(part for part in line.split(" ") if part) for line in broken.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


class _Reader:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._unseen: list[str] = []  # the open elements, from the outermost hidden one on
        self._unseen_tags: Counter[str] = Counter()  # the same, counted: a search for each end would be quadratic
        self._link: tuple[str, int] | None = None  # the address, and the index of the piece at which its text begins
        self._preformatted = 0

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag in _ALONE:
            if not self._unseen:
                self._alone(tag, given)
            return
        if self._unseen or tag in _UNSEEN or "hidden" in given or _HIDDEN.search(given.get("style", "")):
            self._unseen.append(tag)
            self._unseen_tags[tag] += 1
            return
        self._break(tag)
        if tag == "li":
            self.pieces.append("- ")
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "a":
            self._end_link()  # a link cannot contain a link
            self._link = (given.get("href", ""), len(self.pieces))

    def end(self, tag: str) -> None:
        if self._unseen:
            if self._unseen_tags[tag]:
                self._end_unseen(tag)
            return
        self._break(tag)
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        elif tag == "a":
            self._end_link()

    def text(self, data: str) -> None:
        if not self._unseen:
            data = data.replace(_LINE, "").replace(_PARAGRAPH, "")
            self.pieces.append(data if self._preformatted else _BLANKS.sub(" ", data))

    def _end_unseen(self, tag: str) -> None:
        """Closes a hidden element and the unclosed elements in it."""
        while True:
            ended = self._unseen.pop()
            self._unseen_tags[ended] -= 1
            if ended == tag:
                return

    def _break(self, tag: str) -> None:
        if tag in _SPACED or tag in _BLOCKS:
            self.pieces.append(_PARAGRAPH if tag in _SPACED else _LINE)

    def _alone(self, tag: str, given: dict[str, str]) -> None:
        if tag == "br":
            self.pieces.append("\n")
        elif tag == "hr":
            self.pieces.append(f"{_PARAGRAPH}---{_PARAGRAPH}")
        elif tag == "img" and given.get("alt"):
            self.pieces.append(given["alt"])

    def _end_link(self) -> None:
        if self._link is None:
            return
        address, begins = self._link
        self._link = None
        shown = "".join(self.pieces[begins:]).strip()
        target = address.removeprefix("mailto:")
        if address.startswith(("https://", "http://", "mailto:")) and target != shown:
            self.pieces.append(f": {target}" if shown else target)
