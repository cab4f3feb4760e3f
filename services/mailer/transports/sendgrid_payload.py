"""Builds the JSON of SendGrid's v3/mail/send (https://www.twilio.com/docs/sendgrid/api-reference/mail-send)."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from bureau.contracts.mail.addresses import Mailbox
from bureau.contracts.media_types import MediaType
from bureau.services.mailer.message.headers import own_value
from bureau.services.mailer.message.message import Attachment, Message

# These are the vendor's limits ("Limitations" of that page); it refuses a mail over them only after all of it was sent.
# The page requires ASCII for `from` and says nothing of recipients: their addresses are passed on in any script,
# unchanged.
MAX_BYTES = 30_000_000
MAX_RECIPIENTS = 1000


def over_limits(message: Message, recipients: Sequence[str]) -> str | None:
    """Returns, in words, the vendor's limit that a mail exceeds; None if it exceeds none."""
    if len(recipients) > MAX_RECIPIENTS:
        return f"SendGrid accepts at most {MAX_RECIPIENTS:,} recipients, but this mail has {len(recipients):,}"
    files = sum(len(one.encoded) for one in (*message.attachments, *message.inline))
    size = files + len((message.text or "").encode()) + len((message.html or "").encode())
    if size > MAX_BYTES:
        return f"SendGrid accepts mails of at most {MAX_BYTES:,} bytes; in base64 this one has {size:,}"
    if not message.sender.address.isascii():
        return f"SendGrid accepts only ASCII sender addresses, but from is {message.sender.address}"
    return None


def payload(message: Message, recipients: Sequence[str], *, sandbox: bool = False) -> dict[str, Any]:
    """Returns the request's JSON. `headers` carries Bureau's Message-ID, so that a mail sent twice shows as one.

    `custom_args` come back with every event and identify the mail. Neither they nor categories may contain personal
    data.
    """
    body: dict[str, Any] = {
        "personalizations": _personalizations(message, frozenset(recipients)),
        "from": _mailbox(message.sender),
        "subject": message.subject,
        "content": _content(message),
        "headers": _headers(message),
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


def _headers(message: Message) -> dict[str, str]:
    own = {name: own_value(value) for name, value in message.headers.items()}
    return {"Message-ID": message.message_id, **message.unsubscribe_headers, **own}


def _personalizations(message: Message, recipients: frozenset[str]) -> list[dict[str, Any]]:
    """Returns one personalization for all recipients, copies included.

    It needs a `to`: if none is left, each copy gets a personalization of its own.
    """
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
    """Returns the bodies, plain text first, as SendGrid requires; it refuses an empty part, but not a space."""
    bodies = (("text/plain", message.text), ("text/html", message.html))
    return [{"type": kind, "value": text or " "} for kind, text in bodies if text is not None]


def _attachment(attachment: Attachment) -> dict[str, str]:
    shown = {"disposition": "inline", "content_id": attachment.content_id} if attachment.content_id else {}
    return {
        "content": attachment.encoded.replace(b"\r\n", b"").decode("ascii"),
        "type": _type(MediaType.parse(attachment.media_type)),
        "filename": _ascii(attachment.name),
        "disposition": "attachment",
        **shown,
    }


def _type(given: MediaType) -> str:
    """Returns the type as SendGrid takes it: without parameters, except for the `method` of an invitation (RFC 6047).

    SendGrid has no field for a charset and may misread text, so other text is sent as bytes.
    """
    method = given.parameters.get("method", "")
    if given.kind == "text/calendar" and method.isascii() and method.isalpha():
        return f"text/calendar; method={method}"
    return "application/octet-stream" if given.kind.startswith("text/") else given.kind


def _ascii(name: str) -> str:
    """Returns `name` with accents dropped, and `_` for characters that have no ASCII form."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c if c.isascii() else "_" for c in plain)
