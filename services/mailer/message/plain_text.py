"""Text made from HTML, for mails that bring none: some people read text, and filters distrust mail without it."""

import re
from html.parser import HTMLParser

# Not in what a reader sees: the head, and the preview line that mail programs show in a list.
_UNSEEN = frozenset({"head", "style", "script", "title", "template"})
_ALONE = frozenset({"br", "hr", "img", "input", "link", "meta", "col", "wbr", "area", "base", "embed", "source"})
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "div", "dl", "dt", "dd", "figure", "footer", "form", "header"}
    | {"li", "main", "nav", "ol", "section", "table", "tbody", "thead", "tr", "ul"}
)
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "ul", "ol", "blockquote"})
# Where an element begins or ends: however many meet there, it is one break.
_LINE, _PARAGRAPH = "\x01", "\x02"
_BREAKS = re.compile(r" *[\x01\x02][ \x01\x02]*")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def plain_text(html: str) -> str:
    """What a reader sees, as lines; links show their address, images their `alt`. Ends with a line break."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    broken = _BREAKS.sub(lambda found: "\n\n" if _PARAGRAPH in found[0] else "\n", "".join(reader.pieces))
    lines = [" ".join(part for part in line.split(" ") if part) for line in broken.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen: list[str] = []  # the open elements from the outermost unseen one on
        self._links: list[tuple[str, int]] = []  # address, and the piece after which its text begins
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _ALONE:
            if not self._unseen:
                self._alone(tag, given)
            return
        if self._unseen or tag in _UNSEEN or "hidden" in given or _HIDDEN.search(given.get("style") or ""):
            self._unseen.append(tag)
            return
        self._break(tag)
        if tag == "li":
            self.pieces.append("- ")
        elif tag in ("td", "th"):
            self.pieces.append(" ")
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.pieces)))

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            if tag in self._unseen:
                del self._unseen[len(self._unseen) - 1 - self._unseen[::-1].index(tag) :]
            return
        self._break(tag)
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            data = data.replace(_LINE, "").replace(_PARAGRAPH, "")
            self.pieces.append(data if self._preformatted else _BLANKS.sub(" ", data))

    def _break(self, tag: str) -> None:
        if tag in _SPACED or tag in _BLOCKS:
            self.pieces.append(_PARAGRAPH if tag in _SPACED else _LINE)

    def _alone(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "br":
            self.pieces.append("\n")
        elif tag == "hr":
            self.pieces.append(f"{_PARAGRAPH}---{_PARAGRAPH}")
        elif tag == "img" and given.get("alt"):
            self.pieces.append(str(given["alt"]))

    def _end_link(self, address: str, begins: int) -> None:
        shown = "".join(self.pieces[begins:]).strip()
        target = address.removeprefix("mailto:")
        if address.startswith(("https://", "http://", "mailto:")) and target != shown:
            self.pieces.append(f": {target}" if shown else target)
