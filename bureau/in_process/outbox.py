"""Reads the mails that were sent; they are files in a folder, and no recipient gets them."""

import email
import email.policy
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import overload

from bureau.contracts.mail.addresses import folded


class Outbox(Sequence[EmailMessage]):
    """Contains the mails sent since its creation, the oldest first. It reads the folder at each access."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before = {path.name for path in folder.glob("*.eml")}

    def __repr__(self) -> str:
        return f"Outbox({[str(mail['Subject']) for mail in self]})"

    def __len__(self) -> int:
        return len(self._paths())

    def __iter__(self) -> Iterator[EmailMessage]:
        return iter(self[:])

    @overload
    def __getitem__(self, index: int) -> EmailMessage: ...
    @overload
    def __getitem__(self, index: slice) -> list[EmailMessage]: ...
    def __getitem__(self, index: int | slice) -> EmailMessage | list[EmailMessage]:
        paths = self._paths()
        return [_read(path) for path in paths[index]] if isinstance(index, slice) else _read(paths[index])

    def to(self, address: str) -> list[EmailMessage]:
        """Returns the mails that went to this address, also as a copy or a blind copy."""
        return [mail for mail in self if folded(address) in folded(f"{mail['To']}, {mail['X-Envelope-To']}")]

    def _paths(self) -> list[Path]:
        paths = [path for path in self._folder.glob("*.eml") if path.name not in self._before]
        return sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _read(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - what this policy makes; for the type checker
    return message
