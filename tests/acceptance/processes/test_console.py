"""The console in a browser, as operators work with it, on a stack of real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.conftest import Guarded
from tests.support.running.api import Api
from tests.support.running.browser import LEAST_FOR_ROWS, NARROW, WIDE, Watched, chromium, log_in
from tests.support.running.stack import Stack
from tests.support.waiting import until

FAILS = {"to": ["a@example.com"], "template": "welcome", "context": {"product": "two\nlines"}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    with browser.new_page(viewport=WIDE) as page:
        watched = Watched(page)
        yield watched
        assert watched.wrong == []


@pytest.fixture
def page(watched: Watched, api: Api) -> Page:
    return watched.page


def test_a_report_is_run_from_its_form_followed_live_and_downloaded(api: Api, page: Page) -> None:
    page.goto(f"{api.url}/reports")
    page.get_by_role("link", name="Orders", exact=True).click()
    page.get_by_label("Least amount").fill("-1")
    page.get_by_role("button", name="Run the report").click()
    assert not page.evaluate("document.querySelector('form.report').checkValidity()")  # the schema says from 0 on
    page.get_by_label("Least amount").fill("50")
    page.get_by_role("button", name="Show the first rows").click()
    expect(page.locator(".preview tbody tr").first).to_be_visible(timeout=20_000)
    expect(page.get_by_label("Least amount")).to_have_value("50")
    page.get_by_role("button", name="Run the report").click()
    expect(page.get_by_text("The job was accepted.")).to_be_visible()
    expect(page.locator(".headline")).to_contain_text("succeeded", timeout=30_000)  # without a reload
    with page.expect_download() as download:
        page.get_by_role("link", name=".csv").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "id,customer,quantity,amount"
    assert len(lines) > 100


def test_a_group_of_failures_is_retried_with_its_count(api: Api, page: Page) -> None:
    failed = [api.submit("/v1/emails", json={**FAILS, "title": f"Fails {n}"}) for n in range(3)]
    codes = {api.failed(job)["code"] for job in failed}
    page.goto(f"{api.url}/")
    group = page.locator(".failure", has_text=codes.pop())
    group.get_by_role("link", name="Retry all").click()
    button = page.get_by_role("button", name="Retry")
    count = int(button.inner_text().split()[1])
    assert count >= 3
    button.click()
    expect(page.get_by_text(f"{count} jobs will run again.")).to_be_visible()
    for job in failed:
        until(lambda job=job: len(api.job(job["id"])["tasks"][0]["attempts"]) == 2, 30)  # type: ignore[misc]


def test_a_queue_is_paused_and_purged_with_its_count(api: Api, page: Page) -> None:
    page.goto(f"{api.url}/")
    page.get_by_role("button", name="Pause shop").click()
    expect(page.get_by_text("The queue is paused")).to_be_visible()
    try:
        jobs = [api.run({"name": "add", "run": "shop.suma", "input": {"a": n, "b": 1}}) for n in range(2)]
        page.goto(f"{api.url}/jobs/{jobs[0]['id']}")
        expect(page.get_by_text("The queue shop is paused.")).to_be_visible()
        page.goto(f"{api.url}/")
        page.get_by_role("link", name="Purge shop").click()
        page.get_by_role("button", name="Cancel 2 tasks").click()
        expect(page.get_by_text("2 tasks cancelled before they started.")).to_be_visible()
        assert [api.job(job["id"])["state"] for job in jobs] == ["cancelled", "cancelled"]
    finally:
        page.goto(f"{api.url}/")
        page.get_by_role("button", name="Resume shop").click()
    expect(page.get_by_role("button", name="Pause shop")).to_be_visible()


def test_new_jobs_are_announced_and_move_nothing(api: Api, page: Page) -> None:
    before = api.succeeded(api.run({"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 1}}))
    page.goto(f"{api.url}/jobs")
    first = page.locator("[data-row]").first
    expect(first.get_by_role("link")).to_have_attribute("href", f"/jobs/{before['id']}")
    api.succeeded(api.run({"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}))
    expect(page.get_by_role("link", name="1 new")).to_be_visible(timeout=20_000)
    expect(first.get_by_role("link")).to_have_attribute("href", f"/jobs/{before['id']}")
    page.get_by_role("link", name="1 new").click()
    expect(first.get_by_role("link")).not_to_have_attribute("href", f"/jobs/{before['id']}")


def test_the_keyboard_alone_suffices(api: Api, page: Page) -> None:
    job = api.succeeded(api.run({"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 1}}, title="By keyboard"))
    page.goto(f"{api.url}/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page.get_by_role("heading", name="Workers", level=1)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("[data-row]").first.get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/*-*")
    page.keyboard.press("/")
    page.keyboard.type(job["id"][:23])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_switch_has_the_say_over_the_system(api: Api, browser: Browser, scheme: str) -> None:
    paper = {"light": "rgb(247, 247, 244)", "dark": "rgb(20, 24, 27)"}
    with browser.new_page(color_scheme=scheme) as page:  # type: ignore[arg-type]
        page.goto(f"{api.url}/keys")
        expect(page.locator("body")).to_have_css("background-color", paper[scheme])
        for theme, shown in (("dark", "dark"), ("light", "light"), ("system", scheme)):
            page.get_by_role("button", name="Theme:").click()
            expect(page.get_by_role("button", name=f"Theme: {theme}")).to_be_visible()
            expect(page.locator("body")).to_have_css("background-color", paper[shown])


def test_a_page_says_since_when_it_is_not_live(stack: Stack, api: Api, watched: Watched) -> None:
    watched.page.goto(f"{api.url}/")
    watched.page.context.set_offline(True)
    expect(watched.page.get_by_text("Live updates lost")).to_be_visible(timeout=20_000)
    watched.page.context.set_offline(False)
    expect(watched.page.get_by_text("Live updates lost")).to_be_hidden(timeout=20_000)
    watched.wrong.clear()  # the browser complains about the requests that failed


def test_a_role_sees_and_does_what_its_key_may(guarded: Guarded, browser: Browser) -> None:
    bureau, keys = guarded.bureau, guarded.keys
    with browser.new_page(viewport=WIDE) as page:
        page.goto(f"{bureau.api.url}/jobs")
        page.get_by_label("Your key").fill("bureau_nobody_" + "x" * 43)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("This key opens nothing here.")
        log_in(page, bureau.api.url, keys["view"])
        navigation = page.get_by_role("navigation", name="Pages")
        expect(navigation.get_by_role("link", name="Workers")).to_have_count(0)
        page.goto(f"{bureau.api.url}/workers")
        expect(page.get_by_role("heading", name="The key's role is too low")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        log_in(page, bureau.api.url, keys["newcomer"])
        expect(navigation.get_by_role("link", name="Workers")).to_be_visible()
        expect(page.get_by_role("heading", name="No jobs yet")).to_be_visible()
        expect(page.locator("#first-job")).to_contain_text("Authorization: Bearer $BUREAU_KEY")


def test_axe_finds_nothing_on_the_pages_looked_at_most(guarded: Guarded, browser: Browser) -> None:
    walk(guarded, browser, "light", 3)


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page_and_nothing_is_scrolled_sideways(
    guarded: Guarded, browser: Browser, scheme: str
) -> None:
    walk(guarded, browser, scheme)


def walk(guarded: Guarded, browser: Browser, scheme: str, pages: int | None = None) -> None:
    """Looks at the first so many pages, or at all, in three widths."""
    bureau, keys = guarded.bureau, guarded.keys
    api = bureau.api
    title = "A title <b>with</b> markup & a-very-long-word-" + "x" * 100
    job = api.submit("/v1/emails", json={**FAILS, "title": title})
    api.failed(job)
    report = "customers"
    done = api.succeeded(api.submit("/v1/reports", json={"report": report}))
    mail = api.succeeded(
        api.submit("/v1/emails", json={"to": ["a" * 60 + "@example.com"], "subject": "x", "text": "y"})
    )
    task = {"name": "mail", "run": "mailer.send", "input": {"to": ["a@example.com"], "subject": "x", "text": "y"}}
    body = {"cron": "0 7 * * 1-5", "time_zone": "Europe/Paris", "job": {"tasks": [task]}}
    api.client.put("/v1/schedules/daily", json=body).raise_for_status()
    addresses = ["/", "/jobs", f"/jobs/{job['id']}", f"/jobs/{done['id']}", f"/jobs/{mail['id']}", "/workers"]
    addresses += ["/tasks?tab=queued"]
    addresses += ["/schedules", "/schedules/new", "/schedules/daily/edit"]
    addresses += [f"/schedules/new?kind=report&report={report}", "/schedules/new?kind=email"]
    addresses += ["/reports", f"/reports/{report}", "/audit", "/keys", "/jobs/retry", "/problems/invalid"]
    with browser.new_context(viewport=WIDE, color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{api.url}/login")
        check(page)
        log_in(page, bureau.api.url, keys["operate"])
        for address in addresses[:pages]:
            watched = Watched(page)
            page.goto(f"{api.url}{address}")
            check(page)
            for size in (LEAST_FOR_ROWS, NARROW):  # the latter is 200 % of a window twice as wide, too
                page.set_viewport_size(size)
                watched.assert_fits()
            page.set_viewport_size(WIDE)
            assert watched.wrong == [], address


def check(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]
