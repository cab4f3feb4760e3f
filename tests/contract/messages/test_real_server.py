"""The corpus through a real mail server into a mailbox, read back by two parsers and compared part by part.

Postfix takes the messages over SMTP as any provider would: it checks lines and sizes, adds its headers and writes
files. Python's parser and a second one that shares no code with it (Rust's, in `fast-mail-parser`) read those.
"""

from collections.abc import Iterator
from email import message_from_bytes, message_from_string, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import fast_mail_parser
import pytest

from bureau.services.mailer.transports.base import DeliveryWindow, Verdict
from bureau.services.mailer.transports.smtp import SmtpTransport
from bureau.services.mailer.transports.smtp_server import SmtpServer
from bureau.stop_token import StopToken
from tests.contract.messages.corpus import Sample, samples
from tests.support.servers.postfix import postfix
from tests.support.waiting import until

SAMPLES = samples()


@pytest.fixture(scope="module")
def mailbox() -> Iterator[dict[str, list[bytes]]]:
    """What was delivered of the whole corpus, by Message-ID: a file for each recipient."""
    expected = sum(len(sample.recipients) for sample in SAMPLES)
    with postfix() as server:
        transport = SmtpTransport(SmtpServer.from_url(server.url))
        for sample in SAMPLES:
            outcome = transport.send(sample.message, sample.recipients, DeliveryWindow(), StopToken())
            assert set(outcome.verdicts.values()) == {Verdict.SENT}, (sample.name, outcome)
        transport.close()
        until(lambda: len(server.mails()) == expected, 60, lambda: f"{expected} mails; {server.log}")
        found: dict[str, list[bytes]] = {}
        for raw in server.mails():
            found.setdefault(str(message_from_bytes(raw, policy=policy.default)["Message-ID"]), []).append(raw)
        yield found


def test_the_corpus_is_large_and_each_message_arrived_for_each_recipient(mailbox: dict[str, list[bytes]]) -> None:
    assert len(SAMPLES) >= 60
    assert {key: len(raws) for key, raws in mailbox.items()} == {
        sample.message.message_id: len(sample.recipients) for sample in SAMPLES
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_pythons_parser_reads_what_was_written(mailbox: dict[str, list[bytes]], sample: Sample) -> None:
    for raw in mailbox[sample.message.message_id][:3]:
        parsed = message_from_bytes(raw, policy=policy.default)
        assert [part.defects for part in parsed.walk() if part.defects] == []
        _compare_headers(raw, parsed, sample)
        assert _text(parsed, "plain") == _normal(sample.message.text)
        assert _text(parsed, "html") == _normal(sample.message.html)
        files = [
            (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
            for part in parsed.walk()
            if part.get_content_disposition() is not None
        ]
        assert files == list(sample.files)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_another_parser_reads_the_same(mailbox: dict[str, list[bytes]], sample: Sample) -> None:
    mail = fast_mail_parser.parse_email(mailbox[sample.message.message_id][0])
    message = sample.message
    assert mail.subject == message.subject
    assert [_normal(text) for text in mail.text_plain] == [t for t in [_normal(message.text)] if t is not None]
    assert [_normal(text) for text in mail.text_html] == [t for t in [_normal(message.html)] if t is not None]
    assert [(one.address, one.display_name or "") for one in mail.to] == [(box.address, box.name) for box in message.to]
    files = [(one.filename, one.mimetype.partition(";")[0], bytes(one.content)) for one in mail.attachments]
    assert files == list(sample.files)


def _compare_headers(raw: bytes, parsed: EmailMessage, sample: Sample) -> None:
    message = sample.message
    assert parsed["Subject"] == message.subject
    assert parsed["Bcc"] is None
    for name, boxes in (
        ("From", (message.sender,)),
        ("To", message.to),
        ("Cc", message.cc),
        ("Reply-To", (message.reply_to,) if message.reply_to else ()),
    ):
        assert _mailboxes(raw, name) == [(box.name, box.address) for box in boxes]


def _mailboxes(raw: bytes, header: str) -> list[tuple[str, str]]:
    """With Python's older reader: the newer one puts a blank between two encoded words of a name, where RFC 2047,
    section 6.2, says that there is none. It reads text: of bytes it takes no address that is not ASCII."""
    written = message_from_string(raw.decode()).get_all(header, [])
    return [(str(make_header(decode_header(name))), address) for name, address in getaddresses(written)]


def _text(parsed: EmailMessage, kind: str) -> str | None:
    """Of the body, not of an attachment of the same type."""
    for part in parsed.walk():
        if part.get_content_type() == f"text/{kind}" and part.get_content_disposition() is None:
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return _normal(payload.decode(part.get_content_charset("ascii")))
    return None


def _normal(text: str | None) -> str | None:
    """Line breaks as LF and none at the end: those of a part's end belong to the boundary after it."""
    return None if text is None else text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
