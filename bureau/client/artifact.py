"""Downloads a job's file as a stream, checks it, and gives it its name only when it is complete."""

import hashlib
import io
import uuid
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bureau.client.errors import ConnectionLost, Damaged, Problem
from bureau.client.file_reference import FileReference
from bureau.client.retrying import Outage
from bureau.client.shapes import ArtifactData

if TYPE_CHECKING:
    from bureau.client.connection import Connection

SILENCE_SECONDS = 60.0
NAME_BYTES = 240  # file systems take 255; a download in progress is named `.<name>.<8 digits>.part`


class StoredFile(FileReference):
    """Represents a stored file: of a job, or uploaded. `data` is the API's description of it; `size` is in bytes.

    It can be a value in the input of a task or the context of a template, alone or in a list.
    """

    def __init__(self, data: ArtifactData) -> None:
        self.data = data
        self.id = data["id"]
        self.name = data["name"]
        self.size = data["size"]
        self.sha256 = data["sha256"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.size} bytes)"

    def places(self, path: str | PathLike[str]) -> tuple[Path, Path]:
        """Returns where the file is saved for a target path or folder, and the name of the download in progress."""
        target = Path(path)
        if target.is_dir():
            target /= plain_name(self.name)
        return target, target.with_name(f".{plain_name(target.name)}.{uuid.uuid4().hex[:8]}.part")


class Artifact(StoredFile):
    """Represents a stored file that can be downloaded."""

    def __init__(self, connection: "Connection", data: ArtifactData) -> None:
        super().__init__(data)
        self._connection = connection

    def save(self, path: str | PathLike[str]) -> Path:
        """Downloads the file to `path`, or under its own name into `path` if that is a folder; returns the file's path.

        An existing file is replaced atomically after the download. Raises `Damaged`, `Problem`, `Unreachable`,
        `OSError`.
        """
        target, part = self.places(path)
        try:
            with part.open("xb") as file:
                self.write_to(file)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def read(self) -> bytes:
        """Returns the file's bytes; they are all in memory. Raises `Damaged`, `Problem`, `Unreachable`."""
        file = io.BytesIO()
        self.write_to(file)
        return file.getvalue()

    def write_to(self, file: BinaryIO) -> None:
        """Streams the file into `file`. After a lost connection it continues behind the bytes that have arrived.

        Raises `Damaged`, `Problem`, `Unreachable`.
        """
        arrival = Arrival(self, file)
        while not arrival.complete:
            arrival.begin()
            try:
                with self._connection.stream(
                    arrival.path, arrival.headers(), silence_seconds=SILENCE_SECONDS
                ) as answer:
                    for chunk in answer.iter_raw():
                        if arrival.take(chunk, answer.status_code):
                            break
                if arrival.complete:
                    break
                error: Exception = ConnectionLost("the file ended early")
            except (ConnectionLost, Problem) as lost:
                error = lost
            self._connection.wait_before_retry(error, arrival.outage, progressed=arrival.progressed)
        arrival.check()


class Arrival:
    """Writes and hashes the bytes of one file that may arrive over several connections."""

    def __init__(self, stored: StoredFile, file: BinaryIO) -> None:
        self._stored = stored
        self._file = file
        self._digest = hashlib.sha256()
        self._bytes = self._bytes_before = 0
        self._seen = 0  # bytes of this connection's body
        self.outage = Outage()
        # The path at the client's own base URL. In `url`, the path of PUBLIC_URL comes before it.
        self.path = stored.data["url"][stored.data["url"].index("/v1/artifacts/") :]

    def begin(self) -> None:
        """Begins another connection."""
        self._bytes_before, self._seen = self._bytes, 0

    def headers(self) -> dict[str, str]:
        """Returns the headers of a request for the bytes that are missing."""
        headers = {"Accept-Encoding": "identity"}
        if self._bytes:
            headers |= {"Range": f"bytes={self._bytes}-", "If-Match": f'"{self._stored.sha256}"'}
        return headers

    def take(self, chunk: bytes, status: int) -> bool:
        """Writes the part of the chunk that has not arrived before; tells whether more came than the file has.

        A body with the status 200 begins with the first byte of the file: a proxy removed the Range header.
        """
        skip = max(0, self._bytes_before - self._seen) if status == 200 else 0
        self._seen += len(chunk)
        new = chunk[skip:]
        self._file.write(new)
        self._digest.update(new)
        self._bytes += len(new)
        return self._bytes > self._stored.size

    @property
    def complete(self) -> bool:
        return self._bytes >= self._stored.size

    @property
    def progressed(self) -> bool:
        """Tells whether this connection brought new bytes."""
        return self._bytes > self._bytes_before

    def check(self) -> None:
        """Raises `Damaged` if the bytes are not those that were stored."""
        sha256 = self._digest.hexdigest()
        if self._bytes != self._stored.size or sha256 != self._stored.sha256:
            raise Damaged(
                f"{self._stored.name} arrived with SHA-256 {sha256}; it was stored with {self._stored.sha256}. "
                "The damaged file was not kept: download it again."
            )


def plain_name(name: str) -> str:
    """Returns a file name that any folder accepts, so that a file cannot be saved outside the target folder.

    The name has no folders and at most `NAME_BYTES`; a name that is cut keeps its extension.
    """
    plain = name.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    if len(plain.encode("utf-8", "replace")) > NAME_BYTES:
        stem, dot, extension = plain.rpartition(".")
        extension = dot + extension if stem and len(extension) <= 16 else ""
        plain = _cut(plain.removesuffix(extension), NAME_BYTES - len(extension.encode("utf-8", "replace"))) + extension
    return plain if plain not in ("", ".", "..") else "file"


def _cut(text: str, limit: int) -> str:
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
