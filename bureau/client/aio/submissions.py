"""Submits jobs; each call is awaited. Its requests are those of `bureau.client.submissions`."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from bureau.client.aio.artifact import AsyncArtifact
from bureau.client.aio.job import AsyncJob
from bureau.client.submissions import SubmissionRequests
from bureau.client.upload import Upload

if TYPE_CHECKING:
    from bureau.client.aio.connection import AsyncConnection


class AsyncSubmissions(
    SubmissionRequests[
        Coroutine[Any, Any, AsyncJob], Coroutine[Any, Any, list[AsyncJob]], Coroutine[Any, Any, AsyncArtifact]
    ]
):
    """Holds the part of `AsyncBureau` that submits."""

    connection: AsyncConnection

    async def _send_job(self, path: str, body: dict[str, Any], key: str) -> AsyncJob:
        return AsyncJob(self.connection, await self.connection.send("POST", path, body, key=key))

    async def _send_job_with_files(
        self, path: str, files: Sequence[Upload], body: dict[str, Any], key: str
    ) -> AsyncJob:
        return AsyncJob(self.connection, await self.connection.upload(path, "files", files, body, key=key))

    async def _send_batch(self, body: dict[str, Any], key: str | None) -> list[AsyncJob]:
        answer = await self.connection.send("POST", "/v1/jobs/batch", body, key=key)
        return [AsyncJob(self.connection, item) for item in answer["items"]]

    async def _store(self, file: Upload, key: str | None) -> AsyncArtifact:
        return AsyncArtifact(self.connection, await self.connection.upload("/v1/files", "file", [file], {}, key=key))
