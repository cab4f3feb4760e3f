"""Provides a `Context` without ledger and runner, with which tests call a task's function."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef, safe_name
from bureau.contracts.errors import PermanentError
from bureau.contracts.ids import new_id
from bureau.contracts.jobs.jobs import TaskSpec
from bureau.contracts.jobs.states import When
from bureau.contracts.mail.delivery import DeliveryEnd
from bureau.stop_token import StopToken
from bureau.storage import Storage, StorageWriter
from bureau.task import Context
from bureau.task_files import ArtifactBlock, ArtifactWriter, OpenArtifact, OpenBlock, artifact_block, open_block


@dataclass(frozen=True)
class FakeArtifact:
    """Holds a file that the context knows: added by the test, or completed by the task."""

    ref: ArtifactRef
    name: str
    media_type: str
    size: int
    sha256: str
    key: str


class _Writer:
    """Writes as the runner's writer does: it refuses to continue once the execution was asked to stop."""

    def __init__(self, writer: StorageWriter, ref: ArtifactRef, stop: StopToken) -> None:
        self._writer = writer
        self._stop = stop
        self.ref = ref

    @property
    def size(self) -> int:
        return self._writer.size

    @property
    def sha256(self) -> str:
        return self._writer.sha256

    def write(self, data: bytes, /) -> int:
        self._stop.check()
        return self._writer.write(data)


class FakeContext(Context):
    """Stores files in a folder and records what the task says and does.

    Tests inspect `logs`, `reports` (of progress: current, total, note), `metas`, `artifacts` (the complete ones that
    the task made, by name), `added` and `removed`, `alarms`, and `storage_keys` for all that is in storage.
    """

    def __init__(self, folder: Path, *, owner: str = "tests", attempt: int = 1, claim_no: int = 1) -> None:
        self.job_id, self.task_id = new_id(), new_id()
        self.owner, self.attempt, self.claim_no = owner, attempt, claim_no
        self.stop = StopToken()
        self.fails_at_time_limit = False
        self.alarms: list[tuple[float, type[Exception]]] = []
        self.storage = Storage.from_url(f"file://{folder}")
        self.logs: list[str] = []
        self.reports: list[tuple[float, float | None, str | None]] = []
        self.metas: list[dict[str, Any]] = []
        self.artifacts: dict[str, FakeArtifact] = {}
        self.kept: dict[str, FakeArtifact] = {}
        self.removed: list[ArtifactRef] = []
        self.added: list[TaskSpec] = []
        self.deliveries: list[DeliveryEnd] = []
        self._known: dict[UUID, FakeArtifact] = {}

    def add_file(self, name: str, media_type: str, data: bytes) -> ArtifactRef:
        """A stored file of the owner's, as an upload would be."""
        ref = ArtifactRef(artifact=new_id())
        stored = self.storage.put(f"uploads/{ref.artifact}/{safe_name(name)}", [data])
        self._known[ref.artifact] = FakeArtifact(ref, name, media_type, stored.size, stored.sha256, stored.key)
        return ref

    def read(self, ref: ArtifactRef) -> bytes:
        """The bytes of a file the context knows."""
        return b"".join(self.storage.read(self._find(ref).key))

    @property
    def storage_keys(self) -> list[str]:
        return sorted(self.storage.list(""))

    def raise_after(self, seconds: float, error: type[Exception]) -> None:
        self.alarms.append((seconds, error))

    def log(self, line: str) -> None:
        self.stop.check()
        self.logs.append(line)

    def progress(self, current: float, total: float | None = None, note: str | None = None) -> None:
        self.stop.check()
        self.reports.append((current, total, note))

    def meta(self, value: dict[str, Any]) -> None:
        self.stop.check()
        self.metas.append(value)

    def artifact(self, name: str, media_type: str) -> ArtifactBlock:
        self.stop.check()
        return artifact_block(self._written(name, media_type))

    @contextmanager
    def _written(self, name: str, media_type: str) -> Iterator[ArtifactWriter]:
        plain = safe_name(name)
        ref = ArtifactRef(artifact=new_id(), name=plain)
        key = f"jobs/{self.job_id}/{self.task_id}/{self.claim_no}/{ref.artifact}/{plain}"
        with self.storage.writer(key) as writer:
            yield _Writer(writer, ref, self.stop)
        made = FakeArtifact(ref, plain, media_type, writer.size, writer.sha256, key)
        self.artifacts[plain] = made
        self._known[ref.artifact] = made

    def keep(self, ref: ArtifactRef, name: str) -> None:
        self.kept[name] = self._find(ref)

    def open(self, ref: ArtifactRef) -> OpenBlock:
        self.stop.check()
        return open_block(self._opened(ref))

    @contextmanager
    def _opened(self, ref: ArtifactRef) -> Iterator[OpenArtifact]:
        found = self._find(ref)
        with self.storage.open(found.key) as file:
            yield OpenArtifact(ref.name or found.name, found.media_type, found.size, found.sha256, file)

    def add(
        self,
        name: str,
        run: str,
        input: dict[str, Any],
        *,
        after: Sequence[str] = (),
        when: When = When.SUCCEEDED,
        optional: bool = False,
        queue: str | None = None,
    ) -> None:
        self.stop.check()
        given = {"name": name, "run": run, "input": input, "after": list(after), "when": when, "optional": optional}
        self.added.append(TaskSpec.model_validate({**given, "queue": queue}))

    def remove(self, ref: ArtifactRef) -> None:
        self.removed.append(ref)

    def delivered(self, end: DeliveryEnd) -> None:
        self.deliveries.append(end)

    def _find(self, ref: ArtifactRef) -> FakeArtifact:
        if ref.artifact not in self._known:
            raise PermanentError("artifact_not_found", f"There is no file {ref.artifact}.")
        return self._known[ref.artifact]


def noted(owner: str, job_id: UUID, serials: Sequence[str]) -> None:
    """A book of certificates that nobody reads."""
