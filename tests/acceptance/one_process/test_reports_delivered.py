"""Reports all the way in one process: bursts, links, empty results, previews, and the news of a failure."""

import csv
import io
import re
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.conftest import Guarded
from tests.support.running.embedded import EmbeddedBureau
from tests.support.waiting import until


@pytest.fixture
def bureau(guarded: Guarded) -> EmbeddedBureau:
    return guarded.bureau


def mail_to(guarded: Guarded, address: str) -> EmailMessage:
    def found() -> EmailMessage | None:
        return next((mail.parsed for mail in list(guarded.mail.mails) if address in mail.recipients), None)

    message = until(found, 20, f"a mail to {address}")
    assert message is not None
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def regions(message: EmailMessage) -> set[str]:
    (attached,) = message.iter_attachments()
    data = attached.get_payload(decode=True)
    assert isinstance(data, bytes)
    return {line["region"] for line in csv.DictReader(io.StringIO(data.decode(), newline=""))}


def test_a_burst_mails_each_only_theirs_from_one_snapshot(bureau: EmbeddedBureau, guarded: Guarded) -> None:
    recipients = {region: [f"{region}@example.com"] for region in ("north", "south")}
    body: dict[str, Any] = {"burst": {"parameter": "region", "recipients": recipients}}
    body |= {"report": "monthly-sales", "params": {"since": "2024-05-01", "until": "2024-05-07"}}
    ended = bureau.api.succeeded(bureau.api.submit("/v1/reports", json=body))
    files = ended["tasks"][0]["result"]["files"]
    assert len({file["snapshot_at"] for file in files}) == 1
    assert [artifact["name"] for artifact in ended["artifacts"]] == [
        "monthly-sales-2024-05-01-2024-05-07-north.csv",
        "monthly-sales-2024-05-01-2024-05-07-south.csv",
    ]
    for region in recipients:
        message = mail_to(guarded, f"{region}@example.com")
        assert regions(message) == {region}
        assert "complete" in text_of(message)


def test_a_file_too_large_to_attach_comes_as_a_link_that_opens(bureau: EmbeddedBureau, guarded: Guarded) -> None:
    params = {"since": "2025-11-01"}
    body = {"report": "monthly-sales", "params": params, "email_to": ["link@example.com"]}
    ended = bureau.api.succeeded(bureau.api.submit("/v1/reports", json=body))
    message = mail_to(guarded, "link@example.com")
    assert list(message.iter_attachments()) == []
    (link,) = re.findall(r"http\S+token=\S+", text_of(message))
    assert link.startswith(bureau.api.url)
    parts = urlsplit(link)
    answer = httpx.get(f"{bureau.api.url}{parts.path}?{parts.query}")  # by somebody without a key
    assert (answer.status_code, len(answer.content)) == (200, ended["artifacts"][0]["size"])
    assert httpx.get(f"{bureau.api.url}{parts.path}?token=forged").status_code == 403


def test_a_report_without_rows_is_noted(bureau: EmbeddedBureau, guarded: Guarded) -> None:
    params = {"since": "2030-01-01"}
    body = {"report": "monthly-sales", "params": params, "email_to": ["empty@example.com"]}
    bureau.api.succeeded(bureau.api.submit("/v1/reports", json=body))
    message = mail_to(guarded, "empty@example.com")
    assert (message["Subject"], list(message.iter_attachments())) == ("No rows: Monthly sales", [])


def test_a_failure_is_mailed_in_words_without_sql(bureau: EmbeddedBureau, guarded: Guarded) -> None:
    body = {"report": "broken", "email_to": ["never@example.com"], "failure_email_to": ["ops@example.com"]}
    ended = bureau.api.ended(bureau.api.submit("/v1/reports", json=body))
    assert (ended["state"], ended["error"]["code"]) == ("failed", "report_query_invalid")
    told = text_of(mail_to(guarded, "ops@example.com"))
    assert "uses a column that the data source" in " ".join(told.split())
    assert "no_such_column" not in told


def test_a_preview_shows_the_first_rows(bureau: EmbeddedBureau) -> None:
    body: dict[str, Any] = {"params": {"region": "north"}}
    answer = bureau.api.client.post("/v1/reports/monthly-sales/preview", json=body)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (len(shown["rows"]), shown["more"]) == (50, True)
    assert {row[shown["columns"].index("region")] for row in shown["rows"]} == {"north"}
    assert shown["params"] == {"since": "2024-01-01", "region": "north"}


def test_a_preview_that_takes_longer_says_so_and_leaves_the_source_alone(bureau: EmbeddedBureau) -> None:
    problem = bureau.api.refused("/v1/reports/slow/preview", 504, json={})
    assert problem["type"] == "/problems/preview-takes-longer"
    newest = bureau.api.get("/v1/jobs")["items"][0]
    assert bureau.api.ended(newest, 5)["state"] == "cancelled"
