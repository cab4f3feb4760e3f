"""Reports all the way in one process: bursts, links, empty results, previews, and the news of a failure."""

import csv
import email
import email.policy
import io
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.embedded import EmbeddedBureau
from tests.support.waiting import until

BROKEN = """\
-- title = "Broken"
-- source = "demo"
select no_such_column from orders
"""
SLOW = """\
-- title = "Slow"
-- source = "demo"
with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as n from n
"""


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBureau]:
    folder = tmp_path_factory.mktemp("delivered")
    (folder / "queries").mkdir()
    (folder / "queries/broken.sql").write_text(BROKEN)
    (folder / "queries/slow.sql").write_text(SLOW)
    shipped = Path(__file__).parents[2] / "services/reports/queries"
    env = {"REPORTS_DIR": f"{shipped}:{folder / 'queries'}", "REPORT_ATTACH_BYTES": "150000", "EMPTY_REPORTS": "note"}
    with EmbeddedBureau(folder, env={**env, "REPORT_ZIP_BYTES": "160000"}) as bureau:
        bureau.start()
        yield bureau


def mail_to(bureau: EmbeddedBureau, address: str) -> EmailMessage:
    def found() -> EmailMessage | None:
        for file in bureau.outbox.rglob("*.eml"):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            if address in str(message["To"]):
                return message
        return None

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


def test_a_burst_mails_each_only_theirs_from_one_snapshot(bureau: EmbeddedBureau) -> None:
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
        message = mail_to(bureau, f"{region}@example.com")
        assert regions(message) == {region}
        assert "complete" in text_of(message)


def test_a_file_too_large_to_attach_comes_as_a_link_that_opens(bureau: EmbeddedBureau) -> None:
    params = {"since": "2025-11-01"}
    body = {"report": "monthly-sales", "params": params, "email_to": ["link@example.com"]}
    ended = bureau.api.succeeded(bureau.api.submit("/v1/reports", json=body))
    message = mail_to(bureau, "link@example.com")
    assert list(message.iter_attachments()) == []
    (link,) = re.findall(r"http\S+token=\S+", text_of(message))
    assert link.startswith(bureau.api.url)
    parts = urlsplit(link)
    answer = bureau.api.client.get(f"{parts.path}?{parts.query}")
    assert (answer.status_code, len(answer.content)) == (200, ended["artifacts"][0]["size"])
    assert bureau.api.client.get(f"{parts.path}?token=forged").status_code == 403


def test_a_report_without_rows_is_noted(bureau: EmbeddedBureau) -> None:
    params = {"since": "2030-01-01"}
    body = {"report": "monthly-sales", "params": params, "email_to": ["empty@example.com"]}
    bureau.api.succeeded(bureau.api.submit("/v1/reports", json=body))
    message = mail_to(bureau, "empty@example.com")
    assert (message["Subject"], list(message.iter_attachments())) == ("No rows: Monthly sales", [])


def test_a_failure_is_mailed_in_words_without_sql(bureau: EmbeddedBureau) -> None:
    body = {"report": "broken", "email_to": ["never@example.com"], "failure_email_to": ["ops@example.com"]}
    ended = bureau.api.ended(bureau.api.submit("/v1/reports", json=body))
    assert (ended["state"], ended["error"]["code"]) == ("failed", "report_query_invalid")
    told = text_of(mail_to(bureau, "ops@example.com"))
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
