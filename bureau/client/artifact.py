"""Downloads a job's file as a stream, checks it, and gives it its name only when it is complete."""

import hashlib
import io
import time
import uuid
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bureau.client.errors import ConnectionLost, Damaged, Problem
from bureau.client.file_reference import FileReference
from bureau.client.shapes import ArtifactData

if TYPE_CHECKING:
    from bureau.client.connection import Connection

SILENCE_SECONDS = 60.0
NAME_BYTES = 240  # file systems take 255; a download in progress is named `.<name>.<8 digits>.part`


class Artifact(FileReference):
    """Represents a stored file: of a job, or uploaded. `data` is the API's description of it; `size` is in bytes.

    It can be a value in the input of a task or the context of a template, alone or in a list.
    """

    def __init__(self, connection: "Connection", data: ArtifactData) -> None:
        self._connection = connection
        self.data = data
        self.id = data["id"]
        self.name = data["name"]
        self.size = data["size"]
        self.sha256 = data["sha256"]

    def __repr__(self) -> str:
        return f"Artifact({self.name!r}, {self.size} bytes)"

    def save(self, path: str | PathLike[str]) -> Path:
        """Downloads the file to `path`, or under its own name into `path` if that is a folder; returns the file's path.

        An existing file is replaced atomically after the download. Raises `Damaged`, `Problem`, `Unreachable`,
        `OSError`.
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
        """Returns the file's bytes; they are all in memory. Raises `Damaged`, `Problem`, `Unreachable`."""
        file = io.BytesIO()
        self.write_to(file)
        return file.getvalue()

    def write_to(self, file: BinaryIO) -> None:
        """Streams the file into `file`. After a lost connection it continues behind the bytes that have arrived.

        Raises `Damaged`, `Problem`, `Unreachable`.
        """
        arrival, failures, since = _Arrival(file), 0, 0.0
        while arrival.bytes < self.size:
            bytes_before = arrival.bytes
            try:
                self._receive(arrival)
                if arrival.bytes >= self.size:
                    break
                error: Exception = ConnectionLost("the file ended early")
            except (ConnectionLost, Problem) as lost:
                error = lost
            if not failures or arrival.bytes > bytes_before:
                failures, since = 0, time.monotonic()
            failures += 1
            self._connection.wait_before_retry(failures, since, error)
        if arrival.bytes != self.size or arrival.sha256 != self.sha256:
            raise Damaged(
                f"{self.name} arrived with SHA-256 {arrival.sha256}; it was stored with {self.sha256}. "
                "The damaged file was not kept: download it again."
            )

    @property
    def _path(self) -> str:
        """Returns the file's path at the client's own base URL. In `url`, the path of PUBLIC_URL comes before it."""
        return self.data["url"][self.data["url"].index("/v1/artifacts/") :]

    def _receive(self, arrival: "_Arrival") -> None:
        headers = {"Accept-Encoding": "identity"}
        if arrival.bytes:
            headers |= {"Range": f"bytes={arrival.bytes}-", "If-Match": f'"{self.sha256}"'}
        with self._connection.stream(self._path, headers, silence_seconds=SILENCE_SECONDS) as answer:
            skip = arrival.bytes if answer.status_code == 200 else 0  # a proxy removed the Range header
            for chunk in answer.iter_raw():
                arrival.take(chunk[skip:])
                skip = max(0, skip - len(chunk))
                if arrival.bytes > self.size:
                    return


class _Arrival:
    """Writes and hashes the bytes of one file that may arrive over several connections."""

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
