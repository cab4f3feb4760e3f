"""The whole way through, from an HTTP request to its result, over every service as a process of its own."""

import csv
import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
from pypdf import PdfReader

from tests.acceptance.conftest import ORGANISATION
from tests.support.running.api import Api
from tests.support.running.stack import Stack
from tests.support.servers.mail_servers import MailServer, ReceivedMail
from tests.support.servers.postgres import connect
from tests.support.waiting import until

WELDING = "recipient,course\nAda Lovelace,Welding for Analysts\nJosé Ñúñez i Güell,Welding for Analysts\n"
FIRST_AID = (
    "recipient;course;date\nMary Seacole;First Aid at Work;2026-11-12\nHenri Dunant;First Aid at Work;2026-11-12\n"
)
ISSUED = {
    "Ada Lovelace": "Welding for Analysts",
    "José Ñúñez i Güell": "Welding for Analysts",
    "Mary Seacole": "First Aid at Work",
    "Henri Dunant": "First Aid at Work",
}


def test_two_rosters_become_a_zip_of_certificates_and_leave_storage(stack: Stack, mail: MailServer) -> None:
    api = stack.api
    files = [("files", ("welding.csv", WELDING, "text/csv")), ("files", ("first-aid.csv", FIRST_AID, "text/csv"))]
    job = api.submit("/v1/certificates", files=files, data={"email_to": "dean@example.com"})
    assert job["kind"] == "certificates"

    ended = api.succeeded(job)

    issue, send = ended["tasks"]
    archive = api.file(ended)
    assert_certificates(archive, ISSUED, ORGANISATION)
    assert lines(issue) == [
        f"sending 2 files ({len((WELDING + FIRST_AID).encode())} bytes) to the certificates API",
        f"received an archive of {len(archive) / 1000:.1f} kB",
        "checked 6 files: names, sizes and checksums are right",
        "rosters read: welding.csv (2 rows, UTF-8, separated by commas), "
        "first-aid.csv (2 rows, UTF-8, separated by semicolons)",
        f"kept {ended['artifacts'][0]['name']}; uploads that nothing else uses are removed",
    ]
    assert issue["progress"] == {"current": 6.0, "total": 6.0, "percent": 100.0, "note": "files checked"}
    assert send["state"] == "succeeded"
    assert attachments(mail_to(mail, "dean@example.com")) == [(ended["artifacts"][0]["name"], archive)]

    uploads = [file["artifact"] for file in issue["input"]["files"]]
    assert [artifact["task"] for artifact in ended["artifacts"]] == ["issue"]
    for upload, name in zip(uploads, ("welding.csv", "first-aid.csv"), strict=True):
        assert api.client.get(f"/v1/artifacts/{upload}/{name}").status_code == 404
    # By name: the stack is shared, and failed jobs of other tests keep their uploads for a retry.
    names = ("welding.csv", "first-aid.csv")
    until(lambda: not any(list(stack.storage.rglob(name)) for name in names), 20, "the uploads' bytes are deleted")


def test_a_report_has_the_database_s_rows_and_is_mailed_as_it_is(api: Api, mail: MailServer, orders_url: str) -> None:
    body = {"report": "orders", "params": {"least_amount": 50}, "email_to": ["cfo@example.com"], "subject": "Orders"}
    ended = api.succeeded(api.submit("/v1/reports", json=body))

    content = api.file(ended)
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    with connect(orders_url) as connection:
        count, quantity, amount = counted(connection, "WHERE amount >= 50")
    assert (len(rows), sum(int(row["quantity"]) for row in rows)) == (count, quantity)
    assert sum(Decimal(row["amount"]) for row in rows) == amount
    assert rows[0]["customer"] == f'Ünïted; "{rows[0]["id"]}'

    generate = ended["tasks"][0]
    artifact = ended["artifacts"][0]
    assert generate["result"]["rows"] == count
    assert generate["progress"]["current"] == count
    assert (artifact["name"], artifact["media_type"], artifact["size"]) == ("orders-50.csv", "text/csv", len(content))
    received = mail_to(mail, "cfo@example.com")
    assert received.parsed["Subject"] == "Orders"
    assert attachments(received) == [("orders-50.csv", content)]
    assert f"{count:,}" in text_of(received)


def test_a_mail_is_made_from_a_template(api: Api, mail: MailServer) -> None:
    body = {
        "to": ["Zoë <zoe@example.com>"],
        "bcc": ["archive@example.com"],
        "template": "welcome",
        "context": {"name": "Zoë", "product": "Bureau", "link": "https://bureau.example.com/begin"},
    }
    ended = api.succeeded(api.submit("/v1/emails", json=body))

    received = mail_to(mail, "zoe@example.com")
    parsed = received.parsed
    assert parsed["From"] == "Bureau <bureau@example.com>"
    assert parsed["To"] == "Zoë <zoe@example.com>"
    assert parsed["Subject"] == "Welcome to Bureau"
    assert "Hello Zoë" in text_of(received)
    assert "https://bureau.example.com/begin" in text_of(received, "html")
    assert received.recipients == ("zoe@example.com", "archive@example.com")
    assert "archive@example.com" not in received.raw.decode()
    result = ended["tasks"][0]["result"]
    assert result["message_id"] == received.message_id
    assert result["accepted"] == ["zoe@example.com", "archive@example.com"]
    assert result["transport"] == "smtp"


def test_a_mail_has_its_own_text_and_files(api: Api, mail: MailServer) -> None:
    stored = api.client.post("/v1/files", files={"file": ("terms.pdf", b"%PDF-1.7 terms", "application/pdf")})
    assert stored.status_code == 201, stored.text
    long_text = "Dear reader, " * 4000  # stored and referenced: too long for a row
    ended = api.succeeded(
        api.submit(
            "/v1/emails",
            files=[("files", ("plan.bin", bytes(range(256)), "application/octet-stream"))],
            data={
                "to": ["reader@example.com"],
                "subject": "The plan",
                "text": long_text,
                "options": f'{{"attachments": [{{"artifact": "{stored.json()["id"]}", "name": "Terms 2026.pdf"}}]}}',
            },
        )
    )
    assert ended["tasks"][0]["input"]["text"].keys() == {"artifact"}
    received = mail_to(mail, "reader@example.com")
    assert text_of(received).replace("\n", "").strip() == long_text.strip()
    assert attachments(received) == [("Terms 2026.pdf", b"%PDF-1.7 terms"), ("plan.bin", bytes(range(256)))]


def test_an_own_task_shows_its_lines_and_its_result(api: Api) -> None:
    add = {"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}
    letters = {"name": "letters", "run": "shop.initials", "input": {"names": ["Ada Lovelace", "Grace Hopper"]}}
    ended = api.succeeded(api.run(add, letters, title="Two and two", tags=["sums"]))

    assert (ended["title"], ended["tags"], ended["kind"]) == ("Two and two", ["sums"], "job")
    assert ended["counts"] == {"succeeded": 2}
    added, found = ended["tasks"]
    assert (added["result"], lines(added), added["queue"]) == (4, ["adding 2 and 2"], "shop")
    assert found["result"] == {"Ada Lovelace": "AL", "Grace Hopper": "GH"}
    assert found["progress"] == {"current": 2.0, "total": 2.0, "percent": 100.0, "note": "names"}
    assert api.file(ended) == b"AL\tAda Lovelace\nGH\tGrace Hopper\n"


def test_a_chain_hands_its_results_on(api: Api, mail: MailServer) -> None:
    ended = api.succeeded(
        api.run(
            {"name": "north", "run": "reports.generate", "input": {"report": "orders", "params": {"least_amount": 99}}},
            {
                "name": "more",
                "run": "shop.suma",
                "after": ["north"],
                "input": {"a": {"$result": "/north/rows"}, "b": 1000},
            },
            {
                "name": "mail",
                "run": "mailer.send",
                "after": ["north", "more"],
                "input": {
                    "to": ["chain@example.com"],
                    "template": "reports-ready",
                    "context": {"rows": {"$result": "/more"}},
                    "attachments": [{"$result": "/north/artifact"}],
                },
            },
        )
    )
    north, more, _ = ended["tasks"]
    assert more["result"] == north["result"]["rows"] + 1000
    received = mail_to(mail, "chain@example.com")
    assert f"{more['result']:,}" in text_of(received)
    assert attachments(received) == [("orders-99.csv", api.file(ended))]


def test_tasks_after_a_failed_one_are_skipped(api: Api) -> None:
    fails = {"name": "fails", "run": "shop.suma", "input": {"a": {"$result": "/text/x"}, "b": 1}, "after": ["text"]}
    ended = api.ended(
        api.run(
            {"name": "text", "run": "shop.initials", "input": {"names": ["x"]}},
            fails,
            {"name": "never", "run": "shop.suma", "input": {"a": 1, "b": 1}, "after": ["fails"]},
            {"name": "rescue", "run": "shop.suma", "input": {"a": 0, "b": 7}, "after": ["fails"], "when": "failed"},
        )
    )
    assert ended["state"] == "failed"
    assert {task["name"]: task["state"] for task in ended["tasks"]} == {
        "text": "succeeded",
        "fails": "failed",
        "never": "skipped",
        "rescue": "succeeded",
    }
    assert ended["error"]["task"] == "fails"
    assert ended["error"]["code"] == "invalid_input"
    assert "shop.suma: a:" in ended["error"]["message"]


def assert_certificates(archive: bytes, issued: dict[str, str], organisation: str) -> None:
    """One PDF for each recipient, with that name and course in its text; no two equal."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        pdfs = [opened.read(name) for name in opened.namelist() if name.endswith(".pdf")]
    texts = [PdfReader(io.BytesIO(pdf)).pages[0].extract_text() for pdf in pdfs]
    assert len(set(pdfs)) == len(set(texts)) == len(issued)
    for recipient, course in issued.items():
        (text,) = [text for text in texts if recipient in text]
        assert course in text
        assert organisation in text


def counted(connection: psycopg.Connection, where: str) -> Sequence[Any]:
    row = connection.execute(f"SELECT count(*), sum(quantity), sum(amount) FROM orders {where}").fetchone()  # noqa: S608
    assert row is not None
    return row


def lines(task: dict[str, Any]) -> list[str]:
    return [entry["line"] for entry in task["logs"]]


def mail_to(server: MailServer, recipient: str) -> ReceivedMail:
    """The one mail that this recipient got."""
    (received,) = [received for received in server.mails if recipient in received.recipients]
    return received


def text_of(received: ReceivedMail, kind: str = "plain") -> str:
    body = received.parsed.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def attachments(received: ReceivedMail) -> list[tuple[str | None, bytes]]:
    return [(part.get_filename(), part.get_payload(decode=True)) for part in received.parsed.iter_attachments()]  # type: ignore[misc]
