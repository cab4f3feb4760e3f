"""A folder of .eml files, one a mail: the default, for development. Open them with any mail program."""

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from bureau.services.mailer.message.message import Form, Message
from bureau.services.mailer.transports.base import DeliveryWindow, SendResult, TransportUnavailable, Verdict
from bureau.stop_token import StopToken


class FileTransport:
    """The file is named after the Message-ID, appears whole and is never replaced: a mail is there once.

    Text and addresses are UTF-8 in it. The first line, `X-Envelope-To`, says who gets the mail, blind copies included.
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
            placed = _place(path, f"X-Envelope-To: {envelope}\r\n".encode(), message.written(Form.UTF8))
        except OSError as error:
            raise TransportUnavailable(f"the outbox {self.folder} cannot be written: {error.strerror}") from error
        return SendResult.same(recipients, Verdict.SENT, str(path) if placed else f"{path} was there already")

    def was_sent(self, message_id: str) -> bool | None:
        return self._path(message_id).exists()

    def close(self) -> None:
        """Nothing is open between mails."""

    def _path(self, message_id: str) -> Path:
        return self.folder / f"{message_id.strip('<>').replace('/', '_')}.eml"


def _place(path: Path, *chunks: bytes) -> bool:
    """Writes a file that was not there; False where it was. A hard link is the create-if-absent that is atomic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid4().hex}.unfinished")
    try:
        with unfinished.open("xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the name without the mail
        os.link(unfinished, path)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink(missing_ok=True)
    return True
