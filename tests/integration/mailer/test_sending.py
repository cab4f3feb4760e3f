"""Mails from the ledger to a mail server, and what is written of them."""

from email import message_from_bytes, policy
from pathlib import Path

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.mail.delivery import DeliveryState
from bureau.ledger.files.artifacts import StoredArtifact
from tests.integration.mailer.conftest import Office
from tests.support.ledger.book import add_upload, stored
from tests.support.servers.mail_servers import MailServer

INVITATION = "text/calendar; method=REQUEST; charset=utf-8"


def _upload(office: Office, data: bytes, name: str, media_type: str) -> ArtifactRef:
    kept = stored(name=name)
    file = office.storage.put(kept.key, [data])
    row = StoredArtifact(
        kept.id, "ada", None, None, name, media_type, file.size, file.sha256, kept.key, kept.created_at
    )
    add_upload(office.db, row)
    return ArtifactRef(artifact=kept.id)


def test_a_mail_is_sent_and_its_result_counts(office: Office, server: MailServer) -> None:
    job = office.submit()
    assert office.run(job) == "succeeded"
    (mail,) = server.mails
    task_id = office.task_id(job)
    assert mail.message_id == f"<{task_id}@example.com>"
    assert mail.recipients == ("ada@example.com", "bob@example.com")
    assert office.book.task(job).result == {
        "message_id": mail.message_id,
        "transport": "smtp",
        "accepted": ["ada@example.com", "bob@example.com"],
        "refused": {},
        "outcome": "sent",
    }
    (delivery,) = office.tries(job)
    assert delivery.state is DeliveryState.SENT
    assert delivery.response == "250 2.0.0 queued as 4711"
    assert office.lines(job) == [], "the delivery says it all"


def test_stored_files_arrive_as_they_were(office: Office, server: MailServer) -> None:
    data = bytes(range(256)) * 40_000
    ref = _upload(office, data, "umsätze 2025.csv", "text/csv")
    job = office.submit(attachments=[ref.model_dump(mode="json", exclude_none=True)])
    assert office.run(job) == "succeeded"
    (attachment,) = server.mails[0].parsed.iter_attachments()
    assert attachment.get_filename() == "umsätze 2025.csv"
    assert attachment.get_payload(decode=True) == data


def test_an_invitation_arrives_as_one(office: Office, server: MailServer) -> None:
    ref = _upload(office, b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n", "invite.ics", INVITATION)
    job = office.submit(attachments=[ref.model_dump(mode="json", exclude_none=True)])
    assert office.run(job) == "succeeded"
    (attachment,) = server.mails[0].parsed.iter_attachments()
    assert attachment["Content-Type"].content_type == "text/calendar"
    assert dict(attachment["Content-Type"].params) == {"method": "REQUEST", "charset": "utf-8"}


def test_another_owners_file_is_not_attached(office: Office, server: MailServer) -> None:
    ref = _upload(office, b"secret", "a.txt", "text/plain")
    job = office.submit(owner="eve", attachments=[{"artifact": str(ref.artifact)}])
    assert office.run(job) == "failed"
    assert office.book.task(job).error["code"] == "artifact_not_found"
    assert not server.mails


def test_the_next_try_mails_only_whom_the_server_refused_for_now(office: Office, server: MailServer) -> None:
    server.to_recipients = {"bob@example.com": "451 greylisted"}
    job = office.submit(bcc=["gone@example.com"])
    server.to_recipients["gone@example.com"] = "550 no such user"
    assert office.run(job) == "ready"
    assert office.book.task(job).error["code"] == "mail_deferred"
    server.to_recipients.pop("bob@example.com")
    assert office.run(job) == "succeeded"
    assert [mail.recipients for mail in server.mails] == [("ada@example.com",), ("bob@example.com",)]
    assert len(server.counts) == 1
    result = office.book.task(job).result
    assert result["accepted"] == ["ada@example.com", "bob@example.com"]
    assert result["refused"] == {"gone@example.com": "550 no such user"}


def test_a_mail_that_all_refuse_for_good_fails_and_says_who_and_why(office: Office, server: MailServer) -> None:
    server.to_recipients = {"ada@example.com": "550 who?", "bob@example.com": "551 moved"}
    job = office.submit()
    assert office.run(job) == "failed"
    error = office.book.task(job).error
    assert error["code"] == "mail_refused"
    assert error["message"] == "Refused permanently: ada@example.com: 550 who?; bob@example.com: 551 moved"


def test_header_injection_fails_beside_a_mail_that_is_sent(office: Office, server: MailServer) -> None:
    context = {"title": "x\r\nBcc: eve@example.com", "reason": "y"}
    bad = [
        office.submit(subject="Hello\r\nBcc: eve@example.com"),
        office.submit(to=["ada@example.com\r\nBcc: eve@example.com"]),
        office.submit(cc=["Ada\n <ada@example.com>"]),
        office.submit(subject=None, text=None, template="job-failed", context=context),
    ]
    good = office.submit()
    assert [office.run(job) for job in bad[3:]] == ["failed"]
    assert all(office.run(job) != "succeeded" for job in bad)
    assert office.run(good) == "succeeded"
    assert [mail.recipients for mail in server.mails] == [("ada@example.com", "bob@example.com")]


def test_a_mail_server_that_is_away_is_waited_for(office: Office, server: MailServer) -> None:
    server.greeting = "421 back soon"
    job = office.submit()
    assert office.run(job) == "ready"
    assert office.book.task(job).error["message"].endswith("cannot be used: 421 back soon")
    server.greeting = None
    assert office.run(job) == "succeeded"
    assert office.book.outcomes(job) == ["retry"]


def test_without_a_server_mails_are_files(office: Office, outbox: Path) -> None:
    job = office.submit(template="welcome", context={"name": "Ada"}, text=None, subject=None)
    assert office.run(job) == "succeeded"
    (path,) = outbox.glob("*.eml")
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert parsed["Subject"] == "Welcome"
    assert path.name == f"{office.task_id(job)}@example.com.eml"
