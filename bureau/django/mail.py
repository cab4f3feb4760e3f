"""Sends Django's mail through Bureau: `EMAIL_BACKEND = "bureau.django.mail.EmailBackend"`, or in MAILERS of Django 6.1:

MAILERS = {
    "default": {"BACKEND": "bureau.django.mail.EmailBackend"},
    "news": {"BACKEND": "bureau.django.mail.EmailBackend", "OPTIONS": {"priority": 1, "tags": ["news"]}},
}
"""

from collections.abc import Sequence
from email.message import Message
from typing import Any

from django.apps import apps
from django.core.mail.backends.base import BaseEmailBackend

from bureau.client import BureauError
from bureau.client.upload import FileSource
from bureau.contracts.ids import new_id
from bureau.django.gateway import client_for, mail_sender, send

# Each of these has a field, or Bureau sets it.
_FIELDS = {"from", "to", "cc", "bcc", "reply-to", "subject", "message-id", "date"}


class EmailBackend(BaseEmailBackend):
    """Submits each message as a job. Bureau delivers it, tries again for days, and says what became of it.

    BUREAU_URL and BUREAU_KEY say where the gateway is, in the settings or the environment. An entry of MAILERS may have
    OPTIONS: `url` and `key` of a gateway of its own, and `priority` (0 to 9) and `tags` of its jobs. A message that is
    sent in a transaction is committed with it or not at all, where `bureau.django` is an installed app.
    """

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        url: str | None = None,
        key: str | None = None,
        priority: int | None = None,
        tags: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        """Takes OPTIONS of an entry of MAILERS. `url` and `key` are read again when a mail is sent."""
        super().__init__(**kwargs)
        self.fail_silently = fail_silently
        self._sender = mail_sender(getattr(self, "alias", None) if url or key else None)
        self._terms = {"priority": priority, "tags": list(tags)}

    def send_messages(self, email_messages: list[Any]) -> int:
        """Submits the messages and returns how many. Raises `BureauError` unless it shall fail silently."""
        sent = 0
        for message in email_messages:
            if not message.recipients():
                continue
            try:
                self._submit(message)
            except BureauError:
                if not self.fail_silently:
                    raise
            else:
                sent += 1
        return sent

    def _submit(self, message: Any) -> None:
        body = email_body(message) | {name: value for name, value in self._terms.items() if value not in (None, [])}
        stored = [client_for(self._sender).upload(attachment(one)) for one in message.attachments]
        if stored:
            body["attachments"] = [{"artifact": one.id, "name": one.name} for one in stored]
        submit = send
        if apps.is_installed("bureau.django"):
            from bureau.django import outbox

            submit = outbox.submit
        submit(self._sender, "/v1/emails", body, new_id())


def email_body(message: Any) -> dict[str, Any]:
    """Returns the body of `POST /v1/emails` for a message of Django's, without its attachments."""
    html = [content for content, kind in getattr(message, "alternatives", ()) if kind == "text/html"]
    plain = message.content_subtype != "html"
    own = {name: str(value) for name, value in message.extra_headers.items() if name.lower() not in _FIELDS}
    reply_to = list(message.reply_to) or [message.extra_headers.get("Reply-To")]
    body = {
        "from": message.extra_headers.get("From", message.from_email),
        "to": list(message.to),
        "cc": list(message.cc),
        "bcc": list(message.bcc),
        "reply_to": reply_to[0],
        "subject": message.subject,
        "text": message.body if plain else None,
        "html": html[0] if html else None if plain else message.body,
        "headers": own,
    }
    return {name: value for name, value in body.items() if value not in (None, [], {})}


def attachment(one: Any) -> FileSource:
    """Returns an attachment as a file to upload: its name, content and media type."""
    if isinstance(one, Message):  # a MIMEBase of the old classes, or a MIMEPart of the new ones
        return (one.get_filename() or "attachment", bytes(one.get_payload(decode=True) or b""), one.get_content_type())
    name, content, media_type = one
    data = content.encode() if isinstance(content, str) else bytes(content)
    return (name or "attachment", data, media_type) if media_type else (name or "attachment", data)
