"""Writes mails to a folder, one .eml file each: the default, for development. Any mail program opens them."""

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from bureau.services.mailer.message.message import Message, MessageForm
from bureau.services.mailer.transports.base import DeliveryWindow, SendResult, TransportUnavailable, Verdict
from bureau.stop_token import StopToken


class FileTransport:
    """Names each file after the Message-ID, writes it atomically and never replaces it, so that a mail exists once.

    Text and addresses are in UTF-8. The first line, `X-Envelope-To`, lists the recipients, blind copies included.
    """

    name = "file"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        stop.check()
        window.check_begin()
        path = self._path(message.message_id)
        envelope = ",\r\n ".join(recipients)
        try:
            placed = _place(path, f"X-Envelope-To: {envelope}\r\n".encode(), message.written(MessageForm.UTF8))
        except OSError as error:
            raise TransportUnavailable(f"the outbox {self.folder} cannot be written: {error.strerror}") from error
        return SendResult.same(recipients, Verdict.SENT, str(path) if placed else f"{path} exists already")

    def was_sent(self, message_id: str) -> bool | None:
        return self._path(message_id).exists()

    def close(self) -> None:
        """Does nothing, because no file is open between mails."""

    def _path(self, message_id: str) -> Path:
        return self.folder / f"{message_id.strip('<>').replace('/', '_')}.eml"


def _place(path: Path, *chunks: bytes) -> bool:
    """Writes a file and returns whether it was new. Creating a hard link is atomic and fails if the name exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid4().hex}.unfinished")
    try:
        with unfinished.open("xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())  # otherwise a power cut could leave the name without the mail
        os.link(unfinished, path)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink(missing_ok=True)
    return True
