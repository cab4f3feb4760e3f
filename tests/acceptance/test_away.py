"""A mail server that is away and comes back, as operators see it: in the command, on the pages, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.acceptance.command.conftest import Shell
from tests.support.browser import NARROW, WIDE, Watched, chromium
from tests.support.embedded import EmbeddedBureau
from tests.support.mail_servers import MailServer, mail_server
from tests.support.waiting import until

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "x"}


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server(greeting="421 4.3.2 going down") as server:
        yield server


@pytest.fixture
def bureau(tmp_path: Path, mail: MailServer) -> Iterator[EmbeddedBureau]:
    with EmbeddedBureau(tmp_path / "bureau", env={"MAIL_URL": mail.url}) as bureau:
        bureau.start()
        yield bureau


def trouble(bureau: EmbeddedBureau) -> list[dict[str, Any]]:
    return [one for worker in bureau.api.get("/v1/workers")["items"] for one in worker["trouble"]]


def test_an_open_circuit_is_seen_by_all_who_look_until_it_closes(bureau: EmbeddedBureau, mail: MailServer) -> None:
    api, shell = bureau.api, Shell(bureau.api.url)
    assert "SMTP" not in shell("status")
    jobs = [api.submit("/v1/emails", json=MAIL) for _ in range(3)]
    until(lambda: trouble(bureau), 60, "three outages are told")
    assert "! SMTP open circuit since" in shell("status")
    assert "smtp open circuit" in shell("workers")
    with chromium() as browser, browser.new_page(viewport=WIDE) as page:
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
