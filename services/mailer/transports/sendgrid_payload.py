"""A message as SendGrid's v3/mail/send takes it (https://www.twilio.com/docs/sendgrid/api-reference/mail-send)."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Attachment, Message

# What the vendor takes ("Limitations" of that page); what is over them it refuses after the whole was sent. The page
# wants ASCII of `from` and says nothing of recipients: their addresses are handed over in any script, as they are.
MAX_BYTES = 30_000_000
MAX_RECIPIENTS = 1000


def over_limits(message: Message, recipients: Sequence[str]) -> str | None:
    """Which limit of the vendor's a mail is over, in words; None: none."""
    if len(recipients) > MAX_RECIPIENTS:
        return f"SendGrid takes {MAX_RECIPIENTS:,} recipients, these are {len(recipients):,}"
    files = sum(len(one.encoded) for one in (*message.attachments, *message.inline))
    size = files + len((message.text or "").encode()) + len((message.html or "").encode())
    if size > MAX_BYTES:
        return f"SendGrid takes mails of {MAX_BYTES:,} bytes, with its attachments in base64 this one has {size:,}"
    if not message.sender.address.isascii():
        return f"SendGrid takes no sender whose address is not ASCII, and from is {message.sender.address}"
    return None


def payload(message: Message, recipients: Sequence[str], *, sandbox: bool = False) -> dict[str, Any]:
    """The request's JSON. `headers` carries our Message-ID, so that a mail sent twice shows as one.

    `custom_args` come back with every event: whose mail it was. They and categories are no place for personal data.
    """
    body: dict[str, Any] = {
        "personalizations": _personalizations(message, frozenset(recipients)),
        "from": _mailbox(message.sender),
        "subject": message.subject,
        "content": _content(message),
        "headers": {"Message-ID": message.message_id, **message.extra_headers},
    }
    if message.marks:
        marks = message.marks
        body["custom_args"] = {"bureau_job": str(marks.job), "bureau_task": str(marks.task), "bureau_try": str(marks.n)}
    if message.categories:
        body["categories"] = list(message.categories)
    if sandbox:
        body["mail_settings"] = {"sandbox_mode": {"enable": True}}
    if message.reply_to:
        body["reply_to"] = _mailbox(message.reply_to)
    if message.attachments or message.inline:
        body["attachments"] = [_attachment(attachment) for attachment in (*message.attachments, *message.inline)]
    return body


def _personalizations(message: Message, recipients: frozenset[str]) -> list[dict[str, Any]]:
    """One for all, with the copies in it. It needs a `to`: where none is left, each copy gets one of its own."""
    kinds = {
        kind: [_mailbox(box) for box in boxes if box.address in recipients]
        for kind, boxes in (("to", message.to), ("cc", message.cc), ("bcc", message.bcc))
    }
    if kinds["to"]:
        return [{kind: boxes for kind, boxes in kinds.items() if boxes}]
    return [{"to": [box]} for box in kinds["cc"] + kinds["bcc"]]


def _mailbox(box: Mailbox) -> dict[str, str]:
    return {"email": box.address, "name": box.name} if box.name else {"email": box.address}


def _content(message: Message) -> list[dict[str, str]]:
    """Plain text first, as it wants; an empty part is refused there, a space is not."""
    bodies = (("text/plain", message.text), ("text/html", message.html))
    return [{"type": kind, "value": text or " "} for kind, text in bodies if text is not None]


def _attachment(attachment: Attachment) -> dict[str, str]:
    # It has no field for a charset and may take text for something else: bytes are left alone.
    kind = attachment.media_type
    shown = {"disposition": "inline", "content_id": attachment.content_id} if attachment.content_id else {}
    return {
        "content": attachment.encoded.replace(b"\r\n", b"").decode("ascii"),
        "type": "application/octet-stream" if kind.startswith("text/") else kind.partition(";")[0],
        "filename": _ascii(attachment.name),
        "disposition": "attachment",
        **shown,
    }


def _ascii(name: str) -> str:
    """`name` with accents dropped and what has no ASCII form as `_`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c if c.isascii() else "_" for c in plain)
