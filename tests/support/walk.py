"""Walks pages as a person would: follows every link, and looks at where every form and every file leads."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
PAGES_AT_MOST = 400


class _Addresses(HTMLParser):
    """Collects the addresses of a page: those to read, and those that forms post to."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.posted: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("href", "src", "data-stream"):
            if name in given:
                self.read.append(given[name] or "")
        if tag == "form":
            (self.posted if given.get("method") == "post" else self.read).append(given.get("action") or "")


@dataclass
class Walk:
    """What was found: pages and files with their status, and where forms lead."""

    seen: dict[str, int] = field(default_factory=dict)
    forms: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)


def walk(client: httpx.Client, start: str) -> Walk:
    """Follows all links from `start`, an absolute address. What does not begin with it is not followed."""
    found, waiting = Walk(), [start]
    while waiting:
        address = waiting.pop()
        if address in found.seen:
            continue
        assert len(found.seen) < PAGES_AT_MOST, "the links have no end"
        with client.stream("GET", address, headers=BROWSER, follow_redirects=False) as answer:
            found.seen[address] = answer.status_code
            kind = answer.headers.get("Content-Type", "")
            text = answer.read().decode("utf-8", "replace") if kind.startswith("text/html") else ""
            onward = [urljoin(address, answer.headers["Location"])] if "Location" in answer.headers else []
        read, posted = _addresses(text, address)
        found.forms.update(posted)
        for one in (*onward, *read, *posted):
            if not one.startswith(start):
                found.outside.add(one)
        waiting += [one for one in (*onward, *read) if one.startswith(start)]
    return found


def _addresses(text: str, base: str) -> tuple[list[str], list[str]]:
    page = _Addresses()
    page.feed(text)
    return list(_web(page.read, base)), list(_web(page.posted, base))


def _web(addresses: list[str], base: str) -> Iterator[str]:
    for address in addresses:
        absolute = urldefrag(urljoin(base, address)).url
        if urlsplit(absolute).scheme in ("http", "https"):
            yield absolute
