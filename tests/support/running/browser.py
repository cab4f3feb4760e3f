"""Runs a headless Chromium and collects the errors of its page."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, ViewportSize, expect, sync_playwright

from tests.support.servers.installing import installed

NARROW: ViewportSize = {"width": 320, "height": 640}
LEAST_FOR_ROWS: ViewportSize = {"width": 1057, "height": 800}  # one less, and they are cards
WIDE: ViewportSize = {"width": 1280, "height": 800}
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # With it, Chromium now and then never closes a page that is on its way to another (microsoft/playwright#42068).
    "--disable-features=RenderDocument",
]

# The innermost elements that reach out of the window, where it can be scrolled sideways.
_TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const reaches = (e) => e.getBoundingClientRect().right > root.clientWidth;
  const out = [...document.querySelectorAll("body *")].filter(reaches);
  const inner = out.filter((e) => !out.some((other) => other !== e && e.contains(other)));
  return inner.slice(0, 5).map((e) => e.outerHTML.slice(0, 200));
}"""


def find_chromium() -> Path | None:
    given = os.environ.get("CHROMIUM")
    return next((path for path in map(Path, filter(None, [given, "/usr/bin/chromium"])) if path.exists()), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    path = installed(find_chromium, "chromium", "CHROMIUM")
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=_OPTIONS) as browser:
        yield browser


def log_in(page: Page, url: str, key: str) -> None:
    page.goto(f"{url}/jobs")
    page.get_by_label("Your key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


class Watched:
    """Holds a page and all errors that occurred on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status} {response.url}")

    def assert_fits(self) -> None:
        """Nothing has to be scrolled sideways."""
        too_wide = self.page.evaluate(_TOO_WIDE)
        assert not too_wide, (self.page.url, too_wide)
