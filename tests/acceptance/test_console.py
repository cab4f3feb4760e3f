"""The console in a browser, on Bureau in one process."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import NARROW, WIDE, Watched, chromium
from tests.support.embedded import EmbeddedBureau


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBureau]:
    with EmbeddedBureau(tmp_path_factory.mktemp("console")) as bureau:
        bureau.start()
        yield bureau


@pytest.fixture(params=[NARROW, WIDE], ids=["narrow", "wide"])
def watched(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    with browser.new_page(viewport=request.param) as page:
        watched = Watched(page)
        yield watched
        watched.assert_fits()
        assert watched.wrong == []


def test_an_empty_page_says_how_to_begin(bureau: EmbeddedBureau, watched: Watched) -> None:
    watched.page.goto(f"{bureau.api.url}/")
    expect(watched.page.get_by_role("heading", level=1)).to_contain_text("All is well")
    expect(watched.page.get_by_role("heading", name="No jobs yet")).to_be_visible()
    expect(watched.page.locator("#first-job")).to_contain_text(f"curl {bureau.api.url}/v1/emails")


def test_jobs_are_listed_with_state_and_reason(bureau: EmbeddedBureau, watched: Watched) -> None:
    api, page = bureau.api, watched.page
    title = "A title <b>with</b> markup & a-very-long-word-" + "x" * 100
    api.succeeded(api.submit("/v1/emails", json={"to": ["a@example.com"], "subject": "s", "text": "t", "title": title}))
    body = {"to": ["a@example.com"], "template": "welcome", "context": {"product": "two\nlines"}, "title": "Fails"}
    error = api.failed(api.submit("/v1/emails", json=body))
    page.goto(f"{api.url}/jobs")
    newest, before = page.locator("[data-row]").nth(0), page.locator("[data-row]").nth(1)
    expect(newest).to_contain_text("Fails")
    expect(newest).to_contain_text("failed")
    expect(newest).to_contain_text(error["message"])
    expect(before).to_contain_text(title)
    expect(before).to_contain_text("succeeded")
    page.get_by_role("link", name="Fails").first.click()
    expect(page.locator(".error")).to_contain_text("mail_header_invalid")
