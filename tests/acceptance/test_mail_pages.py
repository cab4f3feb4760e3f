"""The HTML of the shipped templates, as a browser lays it out."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize

from bureau.services.mailer.templating.templating import Templates
from tests.support.running.browser import NARROW, WIDE, Watched, chromium

LONG = "https://bureau.example.com/" + "a" * 200
OWN = {"recipient": LONG, "course": LONG, "organisation": LONG, "serial": LONG, "link": LONG}
FACTS = {"title": LONG, "rows": 1, "bytes": 1, "sha256": "a" * 64, "members": 1}
MADE = {"report": LONG, "params": {LONG: LONG}, "snapshot_at": "2025-11-20T10:12:00Z", "duration_seconds": 1}
MAILS = [
    ("welcome", {"name": LONG, "product": LONG, "link": LONG}),
    ("report-ready", FACTS | MADE | {"attachment": f"{LONG}.zip"}),
    ("reports-ready", FACTS | {"reports": [FACTS]}),
    ("certificates-ready", FACTS | {"link": LONG}),
    ("your-certificate", OWN),
    ("job-failed", {"title": LONG, "reason": LONG, "task": LONG, "link": LONG}),
]

# Cells whose text reaches over what stands beside them; the page does not grow with it.
_SPILT = (
    "() => [...document.querySelectorAll('td')].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.innerText)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize(("name", "context"), MAILS, ids=[name for name, _ in MAILS])
def test_a_mail_holds_words_longer_than_its_lines(
    browser: Browser, name: str, context: dict[str, Any], size: ViewportSize
) -> None:
    with browser.new_page(viewport=size) as page:
        page.set_content(str(Templates().render(name, context).html))
        Watched(page).assert_fits()
        assert page.evaluate(_SPILT) == []


def test_a_reason_in_several_lines_keeps_them(browser: Browser) -> None:
    with browser.new_page(viewport=WIDE) as page:
        context = {"title": "Certificates", "reason": "These cannot be written to:\nAda: x\nBob: y"}
        page.set_content(str(Templates().render("job-failed", context).html))
        assert page.locator(".quote").inner_text().split("\n") == context["reason"].split("\n")
