"""A job's file: fetched as a stream, checked, and under its name only when it is whole."""

import hashlib
import io
import time
import uuid
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bureau.client.errors import ConnectionLost, Damaged, Problem
from bureau.client.shapes import ArtifactData

if TYPE_CHECKING:
    from bureau.client.connection import Connection

SILENCE_SECONDS = 60.0
NAME_BYTES = 240  # file systems take 255; a download in progress is named `.<name>.<8 digits>.part`


class Artifact:
    """A file of a job. `data` is what the API says of it."""

    def __init__(self, connection: "Connection", data: ArtifactData) -> None:
        self._connection = connection
        self.data = data
        self.name = data["name"]
        self.size = data["size"]
        self.sha256 = data["sha256"]

    def __repr__(self) -> str:
        return f"Artifact({self.name!r}, {self.size} bytes)"

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes it to `path`, or under its own name into `path` where that is a folder; returns where.

        A file that is there is replaced, at the end and at once. Raises `Damaged`, `Problem`, `Unreachable`, `OSError`.
        """
        target = Path(path)
        if target.is_dir():
            target /= plain_name(self.name)
        part = target.with_name(f".{plain_name(target.name)}.{uuid.uuid4().hex[:8]}.part")
        try:
            with part.open("xb") as file:
                self.write_to(file)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def read(self) -> bytes:
        """All of it, in memory."""
        file = io.BytesIO()
        self.write_to(file)
        return file.getvalue()

    def write_to(self, file: BinaryIO) -> None:
        """Streams it. Where the connection is lost it goes on behind what has arrived. Raises as `save` does."""
        arrival, failures, since = _Arrival(file), 0, 0.0
        while arrival.bytes < self.size:
            before = arrival.bytes
            try:
                self._receive(arrival)
                if arrival.bytes >= self.size:
                    break
                error: Exception = ConnectionLost("the file ended early")
            except (ConnectionLost, Problem) as lost:
                error = lost
            if not failures or arrival.bytes > before:
                failures, since = 0, time.monotonic()
            failures += 1
            self._connection.again(failures, since, error)
        if arrival.bytes != self.size or arrival.sha256 != self.sha256:
            raise Damaged(
                f"{self.name} arrived with SHA-256 {arrival.sha256}; it was stored with {self.sha256}. "
                "Nothing of it was kept: fetch it again."
            )

    def _receive(self, arrival: "_Arrival") -> None:
        headers = {"Accept-Encoding": "identity"}
        if arrival.bytes:
            headers |= {"Range": f"bytes={arrival.bytes}-", "If-Match": f'"{self.sha256}"'}
        with self._connection.stream(self.data["url"], headers, silence_seconds=SILENCE_SECONDS) as answer:
            skip = arrival.bytes if answer.status_code == 200 else 0  # something between took the range away
            for chunk in answer.iter_raw():
                arrival.take(chunk[skip:])
                skip = max(0, skip - len(chunk))
                if arrival.bytes > self.size:
                    return


class _Arrival:
    """What has arrived of a file, over however many connections."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def take(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.bytes += len(chunk)


def plain_name(name: str) -> str:
    """Returns a name that any folder takes: no way out of it, and at most `NAME_BYTES` with its ending kept."""
    plain = name.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    if len(plain.encode("utf-8", "replace")) > NAME_BYTES:
        stem, dot, ending = plain.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 16 else ""
        plain = _cut(plain.removesuffix(ending), NAME_BYTES - len(ending.encode("utf-8", "replace"))) + ending
    return plain if plain not in ("", ".", "..") else "file"


def _cut(text: str, limit: int) -> str:
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
