"""The page of the latest jobs in a browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect, sync_playwright

from tests.support.embedded import EmbeddedBureau
from tests.support.installing import installed

NARROW = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    chromium = installed(find_chromium, "chromium", "CHROMIUM")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        with playwright.chromium.launch(executable_path=chromium, args=options) as browser:
            yield browser


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBureau]:
    with EmbeddedBureau(tmp_path_factory.mktemp("page")) as bureau:
        bureau.start()
        yield bureau


def find_chromium() -> Path | None:
    given = os.environ.get("CHROMIUM")
    return next((path for path in map(Path, filter(None, [given, "/usr/bin/chromium"])) if path.exists()), None)


class Watched:
    """A page and everything that went wrong on it."""

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
        wide, shown = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= shown


@pytest.fixture(params=[NARROW, {"width": 1280, "height": 800}], ids=["narrow", "wide"])
def watched(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    with browser.new_page(viewport=request.param) as page:
        watched = Watched(page)
        yield watched
        watched.assert_fits()
        assert watched.wrong == []


def test_an_empty_page_says_how_to_begin(bureau: EmbeddedBureau, watched: Watched) -> None:
    watched.page.goto(f"{bureau.api.url}/")
    expect(watched.page.get_by_role("heading", name="Latest jobs")).to_be_visible()
    expect(watched.page.get_by_text("No jobs yet.")).to_be_visible()
    expect(watched.page.locator("code")).to_contain_text(f"curl {bureau.api.url}/v1/emails")


def test_jobs_are_listed_with_state_and_reason(bureau: EmbeddedBureau, watched: Watched) -> None:
    api, page = bureau.api, watched.page
    title = "A title <b>with</b> markup & a-very-long-word-" + "x" * 100
    api.succeeded(api.submit("/v1/emails", json={"to": ["a@example.com"], "subject": "s", "text": "t", "title": title}))
    body = {"to": ["a@example.com"], "template": "welcome", "context": {"product": "two\nlines"}, "title": "Fails"}
    error = api.failed(api.submit("/v1/emails", json=body))
    page.goto(f"{api.url}/")
    newest, before = page.get_by_role("listitem").nth(0), page.get_by_role("listitem").nth(1)
    expect(newest).to_contain_text("Fails")
    expect(newest).to_contain_text("failed")
    expect(newest).to_contain_text(error["message"])
    expect(before).to_contain_text(title)
    expect(before).to_contain_text("succeeded")
    page.get_by_role("link", name="Fails").first.click()
    expect(page.locator("body")).to_contain_text("mail_header_invalid")
