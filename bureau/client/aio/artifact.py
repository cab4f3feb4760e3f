"""Downloads a job's file as a stream without blocking the event loop."""

import io
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bureau.client.artifact import SILENCE_SECONDS, Arrival, StoredFile
from bureau.client.errors import ConnectionLost, Problem
from bureau.client.shapes import ArtifactData

if TYPE_CHECKING:
    from bureau.client.aio.connection import AsyncConnection


class AsyncArtifact(StoredFile):
    """Represents a stored file that can be downloaded."""

    def __init__(self, connection: "AsyncConnection", data: ArtifactData) -> None:
        super().__init__(data)
        self._connection = connection

    async def save(self, path: str | PathLike[str]) -> Path:
        """Downloads the file to `path`, as `Artifact.save` does; returns the file's path.

        Raises `Damaged`, `Problem`, `Unreachable`, `OSError`.
        """
        target, part = self.places(path)
        try:
            with part.open("xb") as file:
                await self.write_to(file)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    async def read(self) -> bytes:
        """Returns the file's bytes; they are all in memory. Raises `Damaged`, `Problem`, `Unreachable`."""
        file = io.BytesIO()
        await self.write_to(file)
        return file.getvalue()

    async def write_to(self, file: BinaryIO) -> None:
        """Streams the file into `file`, which a thread writes. After a lost connection it continues where it was.

        Raises `Damaged`, `Problem`, `Unreachable`.
        """
        arrival, connection = Arrival(self, file), self._connection
        while not arrival.complete:
            arrival.begin()
            try:
                async with connection.stream(
                    arrival.path, arrival.headers(), silence_seconds=SILENCE_SECONDS
                ) as answer:
                    async for chunk in answer.aiter_raw():
                        if await connection.in_thread(arrival.take, chunk, answer.status_code):
                            break
                if arrival.complete:
                    break
                error: Exception = ConnectionLost("the file ended early")
            except (ConnectionLost, Problem) as lost:
                error = lost
            await connection.wait_before_retry(error, arrival.outage, progressed=arrival.progressed)
        arrival.check()
