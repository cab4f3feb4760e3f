"""A mail server that is away and comes back, as operators see it: in the command, on the pages, over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.acceptance.command.conftest import Shell
from tests.acceptance.conftest import Guarded
from tests.support.running.browser import NARROW, WIDE, Watched, chromium, log_in
from tests.support.running.embedded import EmbeddedBureau
from tests.support.servers.mail_servers import MailServer
from tests.support.waiting import until

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "x"}


def trouble(bureau: EmbeddedBureau) -> list[dict[str, Any]]:
    return [one for worker in bureau.api.get("/v1/workers")["items"] for one in worker["trouble"]]


@pytest.fixture
def mail(guarded: Guarded) -> Iterator[MailServer]:
    """It is going down, and well again at the end."""
    guarded.mail.greeting = "421 4.3.2 going down"
    guarded.mail.hang_up()
    yield guarded.mail
    guarded.mail.greeting = None


def test_an_open_circuit_is_seen_by_all_who_look_until_it_closes(guarded: Guarded, mail: MailServer) -> None:
    bureau, key = guarded.bureau, guarded.keys["operate"]
    api, shell = bureau.api, Shell(bureau.api.url, key)
    assert "SMTP" not in shell("status")
    jobs = [api.submit("/v1/emails", json=MAIL) for _ in range(3)]
    until(lambda: trouble(bureau), 60, "three outages are told")
    assert "! SMTP open circuit since" in shell("status")
    assert "smtp open circuit" in shell("workers")
    with chromium() as browser, browser.new_page(viewport=WIDE) as page:
        log_in(page, bureau.api.url, key)
        page.goto(f"{api.url}/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Mail transport smtp is away since")
        expect(page.locator("#depends")).to_contain_text("Open circuit: the mail server")
        for address in ("/", "/workers"):
            page.goto(f"{api.url}{address}")
            for size in (WIDE, NARROW):
                page.set_viewport_size(size)
                Watched(page).assert_fits()
        page.goto(f"{api.url}/")
        mail.greeting = None
        assert [api.succeeded(job)["state"] for job in jobs] == ["succeeded"] * 3
        expect(page.locator("#depends")).not_to_contain_text("away", timeout=30_000)  # the page follows by itself
    assert trouble(bureau) == []
    assert "SMTP" not in shell("status")
