"""Tests the outages that workers report."""

from datetime import UTC, datetime
from typing import Any

from bureau.contracts.outage import Outage

SAID: dict[str, Any] = {
    "name": "smtp",
    "how": "open circuit",
    "since": datetime(2026, 5, 4, 2, 50, tzinfo=UTC),
    "why": "x",
}


def test_a_long_outage_text_is_cut_and_holds_no_secret() -> None:
    secret = "smtp://ada:hunter2hunter2@mail.example.com"
    long = Outage(**{**SAID, "name": "n" * 100, "why": f"no login at {secret}\n\x00 " + "w" * 1000})
    assert (len(long.name), len(long.why)) == (60, 240)
    assert long.why.startswith("no login at smtp://***@mail.example.com w")


def test_fields_of_a_newer_worker_are_ignored() -> None:
    assert Outage.model_validate({**SAID, "since": "2026-05-04T02:50:00Z", "severity": 3}) == Outage(**SAID)
