"""Line breaks in subjects and addresses, which would start headers or recipients of their own."""

from typing import Any

import pytest

from tests.support.running.api import Api, told
from tests.support.servers.mail_servers import MailServer

EVIL = "evil@example.com"
MAIL = {"to": ["honest@example.com"], "subject": "Hello", "text": "Hello."}
ONE_LINE = "an address is one line without control characters"


@pytest.fixture(autouse=True)
def nobody_else_gets_mail(mail: MailServer, honest_job: None) -> Any:
    """Whatever a case does, no mail has another recipient or another header than it was given."""
    yield
    for received in mail.mails:
        assert EVIL not in received.recipients
        assert received.parsed["Bcc"] is None
        assert received.parsed["X-Evil"] is None


@pytest.mark.parametrize(
    ("field", "value", "place", "reason"),
    [
        ("subject", f"Hi\r\nBcc: {EVIL}", "#/subject", "A subject is one line without control characters."),
        ("subject", "Hi\nX-Evil: 1", "#/subject", "A subject is one line without control characters."),
        ("subject", "Hi\rX-Evil: 1", "#/subject", "A subject is one line without control characters."),
        ("to", [f"a@example.com\r\nBcc: {EVIL}"], "#/to/0", ONE_LINE),
        ("to", [f"Ada\r\nBcc: {EVIL} <a@example.com>"], "#/to/0", ONE_LINE),
        ("to", [f"a@example.com>\r\nRCPT TO:<{EVIL}"], "#/to/0", ONE_LINE),
        ("to", [f"a@example.com, {EVIL}"], "#/to/0", "invalid characters: ',', '@', SPACE"),
        ("cc", [f"a@example.com\nX-Evil: {EVIL}"], "#/cc/0", ONE_LINE),
        ("bcc", [f"a@example.com\r{EVIL}"], "#/bcc/0", ONE_LINE),
        ("from", f"me@example.com\r\nBcc: {EVIL}", "#/from", ONE_LINE),
        ("reply_to", "me@example.com\nX-Evil: 1", "#/reply_to", ONE_LINE),
    ],
)
def test_a_mail_s_headers_are_one_line_each(api: Api, field: str, value: Any, place: str, reason: str) -> None:
    ((where, _, detail),) = told(api.refused("/v1/emails", 422, json={**MAIL, field: value}))
    assert where == place
    assert reason in detail


def test_so_are_those_of_follow_ups(api: Api) -> None:
    email_to, subject = f"a@example.com\r\nBcc: {EVIL}", f"Hi\r\nBcc: {EVIL}"
    files = {"files": ("a.csv", b"recipient\nAda\n")}
    for problem in (
        api.refused("/v1/certificates", 422, files=files, data={"email_to": email_to, "subject": subject}),
        api.refused("/v1/reports", 422, json={"report": "orders", "email_to": [email_to], "subject": subject}),
    ):
        assert [place for place, _, _ in told(problem)] == ["#/email_to/0", "#/subject"]


def test_a_task_of_a_job_is_held_to_the_same(api: Api) -> None:
    mail = {**MAIL, "to": [f"a@example.com\r\nBcc: {EVIL}"], "subject": f"Hi\r\nBcc: {EVIL}"}
    problem = api.refused("/v1/jobs", 422, json={"tasks": [{"name": "m", "run": "mailer.send", "input": mail}]})
    assert [place for place, _, _ in told(problem)] == ["#/tasks/0/input/to/0", "#/tasks/0/input/subject"]


def test_a_subject_that_a_template_makes_is_checked_when_it_is_made(api: Api) -> None:
    product = f"Bureau\r\nBcc: {EVIL}\r\n\r\nBuy this"
    body = {"to": ["honest@example.com"], "template": "welcome", "context": {"product": product}}
    error = api.failed(api.submit("/v1/emails", json=body))
    assert (error["code"], error["retryable"]) == ("mail_header_invalid", False)
    assert error["message"].startswith("subject: 'Welcome to Bureau\\r\\nBcc: evil@example.com")
    assert error["message"].endswith(
        "holds a line break or another control character. A header is one line; remove it."
    )


def test_an_address_that_comes_from_a_result_is_checked_when_it_is_used(api: Api) -> None:
    names = {"name": "names", "run": "shop.initials", "input": {"names": [f"x\r\nBcc: {EVIL}"]}}
    mail = {**MAIL, "to": [{"$result": "/names"}]}
    error = api.failed(api.run(names, {"name": "mail", "run": "mailer.send", "after": ["names"], "input": mail}))
    assert (error["task"], error["code"]) == ("mail", "invalid_input")


def test_an_attachment_s_name_starts_no_header(api: Api, mail: MailServer) -> None:
    stored = api.client.post("/v1/files", files={"file": ("a.bin", b"1")}).json()
    name = 'x"\r\nX-Evil: 1\r\n\r\n.bin'
    body = {**MAIL, "to": ["attached@example.com"], "attachments": [{"artifact": stored["id"], "name": name}]}
    api.succeeded(api.submit("/v1/emails", json=body))
    (received,) = [received for received in mail.mails if "attached@example.com" in received.recipients]
    (attachment,) = received.parsed.iter_attachments()
    assert "\n" not in str(attachment.get_filename())
    assert attachment["X-Evil"] is None
