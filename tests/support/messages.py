"""Builds mails for tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bureau.contracts.ids import new_id
from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Message, message_id

TASK = UUID("018f3c5e-0000-7000-8000-000000000001")
SENDER = Mailbox("Bureau", "bureau@example.com")
_MESSAGE = Message(
    message_id=message_id(TASK, SENDER),
    date=datetime(2025, 11, 20, 10, 12, tzinfo=UTC),
    sender=SENDER,
    to=(Mailbox("Ada", "ada@example.com"),),
    subject="Hello",
)


def make_message(**fields: Any) -> Message:
    """A message to Ada without a body, changed in `fields`."""
    return replace(_MESSAGE, **fields)


def new_message(*to: str, **fields: Any) -> Message:
    """A message that says hello, with a Message-ID of its own."""
    boxes = tuple(Mailbox("", address) for address in to or ("ada@example.com",))
    return make_message(**({"message_id": message_id(new_id(), SENDER), "to": boxes, "text": "Hello\n"} | fields))
