"""Provides Bureau's context for a task that runs in a test: it keeps files, log lines and progress in memory."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bureau.client import Artifact
from bureau.contracts.artifacts import ArtifactRef, safe_name
from bureau.contracts.errors import PermanentError
from bureau.contracts.ids import new_id
from bureau.contracts.mail.delivery import DeliveryEnd
from bureau.runtime.execution.event_buffer import checked_meta
from bureau.stop_token import StopToken
from bureau.task import Context
from bureau.task_files import ArtifactBlock, ArtifactWriter, OpenArtifact, OpenBlock, artifact_block, open_block


@dataclass(frozen=True)
class StoredFile:
    """Holds a file that a test uploaded or a task made."""

    id: UUID
    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Files:
    """Holds the files of a test by their ids."""

    def __init__(self) -> None:
        self._stored: dict[UUID, StoredFile] = {}

    def add(self, name: str, media_type: str, content: bytes) -> Artifact:
        """Stores a file as an upload does."""
        file = self.put(StoredFile(new_id(), safe_name(name), media_type, content))
        data: Any = {"id": str(file.id), "name": file.name, "size": len(content), "sha256": file.sha256}
        connection: Any = None  # nothing can be downloaded
        return Artifact(connection, data)

    def put(self, file: StoredFile) -> StoredFile:
        self._stored[file.id] = file
        return file

    def find(self, file_id: UUID) -> StoredFile:
        """Returns a file. Raises `PermanentError` (`artifact_not_found`)."""
        if file_id not in self._stored:
            raise PermanentError("artifact_not_found", f"There is no file {file_id}.")
        return self._stored[file_id]


class _Writer(io.BytesIO):
    """Is a file that a task writes."""

    def __init__(self, ref: ArtifactRef) -> None:
        super().__init__()
        self.ref = ref

    @property
    def size(self) -> int:
        return len(self.getvalue())

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.getvalue()).hexdigest()

    def write(self, data: Any, /) -> int:
        return super().write(data)


class LocalContext(Context):
    """Runs one attempt of a task in the process of the test."""

    owner = "tests"

    def __init__(self, job_id: UUID, attempt: int, files: Files) -> None:
        self.job_id, self.task_id = job_id, new_id()
        self.attempt = self.claim_no = attempt
        self.stop = StopToken()
        self.lines: list[str] = []
        self._files = files

    def log(self, line: str) -> None:
        self.lines.append(line[:1000])

    def progress(self, current: float, total: float | None = None, note: str | None = None) -> None:
        """Takes the progress; in a test nobody reads it."""

    def meta(self, value: dict[str, Any]) -> None:
        """Refuses what a worker refuses; in a test nobody reads it."""
        checked_meta(value)

    def artifact(self, name: str, media_type: str) -> ArtifactBlock:
        return artifact_block(self._written(name, media_type))

    @contextmanager
    def _written(self, name: str, media_type: str) -> Iterator[ArtifactWriter]:
        ref = ArtifactRef(artifact=new_id(), name=safe_name(name))
        writer = _Writer(ref)
        yield writer
        self._files.put(StoredFile(ref.artifact, str(ref.name), media_type, writer.getvalue()))

    def keep(self, ref: ArtifactRef, name: str) -> None:
        """Keeps all files until the test ends."""

    def open(self, ref: ArtifactRef) -> OpenBlock:
        return open_block(self._opened(ref))

    @contextmanager
    def _opened(self, ref: ArtifactRef) -> Iterator[OpenArtifact]:
        found = self._files.find(ref.artifact)
        with io.BytesIO(found.content) as file:
            yield OpenArtifact(ref.name or found.name, found.media_type, len(found.content), found.sha256, file)

    def add(self, name: str, run: str, input: dict[str, Any], **_terms: Any) -> None:  # noqa: ARG002 - as the Context's
        """Raises `PermanentError`: nothing would run it."""
        raise PermanentError("not_in_tests", "A task that adds tasks to its job needs a real Bureau: LiveBureauMixin.")

    def raise_after(self, seconds: float, error: type[Exception]) -> None:
        """Raises nothing: a test is not interrupted."""

    def remove(self, ref: ArtifactRef) -> None:
        """Keeps all files until the test ends."""

    def delivered(self, end: DeliveryEnd) -> None:
        """Takes what only the mailer tells."""
