"""Prints mails for developers: the parts they want to see, not the bytes."""

import sys
from collections.abc import Sequence
from typing import TextIO

from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import UNDISCLOSED, Message
from bureau.services.mailer.transports.base import AnswerLost, DeliveryWindow, SendResult, Verdict
from bureau.stop_token import StopToken

_RULE = "-" * 72


class ConsoleTransport:
    """Prints to standard output or the given stream. Each mail is one write, so that threads do not mix their mails."""

    name = "console"

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        stop.check()
        window.check_begin()
        stream = self._stream or sys.stdout
        try:
            stream.write(_shown(message, recipients))
            stream.flush()
        except OSError as error:
            raise AnswerLost(f"the mail could not be written to the console: {error.strerror}") from error
        return SendResult.same(recipients, Verdict.SENT, "printed")

    def was_sent(self, message_id: str) -> bool | None:  # noqa: ARG002 - a printed mail cannot be looked up
        return None

    def close(self) -> None:
        """Does nothing, because the stream belongs to the caller."""


def _shown(message: Message, recipients: Sequence[str]) -> str:
    lines = [
        _RULE,
        f"From: {_people([message.sender])}",
        f"To: {_people(message.to) or UNDISCLOSED}",
        *([f"Cc: {_people(message.cc)}"] if message.cc else []),
        *([f"Reply-To: {_people([message.reply_to])}"] if message.reply_to else []),
        f"Subject: {message.subject}",
        *[f"{name}: {value}" for name, value in message.headers.items()],
        f"Message-ID: {message.message_id}",
        f"For: {', '.join(recipients)}",
        *[f"Attached: {a.name} ({a.media_type}, {a.size:,} bytes)" for a in message.attachments],
        "",
        *(message.text if message.text is not None else message.html or "").splitlines(),
        _RULE,
    ]
    return "".join(f"{_harmless(line)}\n" for line in lines)


def _people(boxes: Sequence[Mailbox]) -> str:
    return ", ".join(f"{box.name} <{box.address}>" if box.name else box.address for box in boxes)


def _harmless(line: str) -> str:
    """Replaces the characters that a terminal would interpret."""
    return "".join(
        character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}" for character in line
    )
