"""One execution of a claimed task: its Context, and what it gathers for the heartbeat and for finish."""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bureau.adding import AddedTasks
from bureau.contracts.artifacts import ArtifactRef, safe_name
from bureau.contracts.base import clean, clean_text
from bureau.contracts.errors import PermanentError, TransientError
from bureau.contracts.ids import new_id
from bureau.contracts.states import When
from bureau.ledger import artifacts
from bureau.ledger.artifacts import StoredArtifact
from bureau.ledger.claim import Claim
from bureau.ledger.database import Database, LedgerUnavailable
from bureau.ledger.events import Event
from bureau.stopping import StopToken
from bureau.storage import Storage, StorageWriter
from bureau.submission.announcements import Announcements
from bureau.task import ArtifactWriter, Context, OpenArtifact

LINE_LENGTH = 1000
LINES_HELD = 1000  # until the next write; a task that says more loses the oldest
NOTE_LENGTH = 200


class MadeArtifact:
    """An ArtifactWriter over a storage writer; `ref` is promised at once, visible after finish."""

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


class Execution(Context):
    """A running task. Its own thread writes here; the heartbeat drains lines and progress."""

    def __init__(self, claim: Claim, db: Database, storage: Storage, announcements: Announcements) -> None:
        self.claim = claim
        self.job_id, self.task_id, self.owner = claim.job_id, claim.task_id, claim.owner
        self.attempt, self.claim_no = claim.failures + 1, claim.claim_no
        self.stop = StopToken()
        self.deadline = time.monotonic() + claim.time_limit_seconds
        self.made: list[StoredArtifact] = []
        self.removed: list[ArtifactRef] = []
        self.added = AddedTasks(claim.name, announcements)
        self.last_progress: dict[str, Any] | None = None
        self._db = db
        self._storage = storage
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # held while lines are being written: those that come after wait
        self._lines: list[Event] = []
        self._progress_written: dict[str, Any] | None = None

    @property
    def held(self) -> tuple[Any, int]:
        return self.claim.task_id, self.claim.claim_no

    @property
    def prefix(self) -> str:
        """Where this claim's files are; another claim of the same task writes elsewhere."""
        return f"jobs/{self.claim.job_id}/{self.claim.task_id}/{self.claim.claim_no}"

    def log(self, line: str) -> None:
        self.stop.check()
        said = Event("task.logged", self.claim.name, {"line": clean_text(line)[:LINE_LENGTH]})
        with self._lock:
            self._lines.append(said)
            del self._lines[:-LINES_HELD]

    def progress(self, current: float, total: float | None = None, note: str | None = None) -> None:
        self.stop.check()
        now = _finite(current)
        if now is not None:
            short = clean_text(note)[:NOTE_LENGTH] if note else None
            self.last_progress = {"current": now, "total": _finite(total), "note": short}

    @contextmanager
    def artifact(self, name: str, media_type: str) -> Iterator[ArtifactWriter]:
        self.stop.check()
        plain = safe_name(name)
        ref = ArtifactRef(artifact=new_id(), name=plain)
        key = f"{self.prefix}/{ref.artifact}"  # the name is the ledger's: storage takes fewer than people do
        with self._storage.writer(key) as writer:
            made = MadeArtifact(writer, ref, self.stop)
            yield made
        self.made.append(
            StoredArtifact(
                id=ref.artifact,
                owner=self.owner,
                job_id=self.job_id,
                task=self.claim.name,
                name=plain,
                media_type=media_type,
                size=writer.size,
                sha256=writer.sha256,
                key=key,
                created_at=datetime.now(UTC),
            )
        )

    @contextmanager
    def open(self, ref: ArtifactRef) -> Iterator[OpenArtifact]:
        self.stop.check()
        found = self._find(ref)
        with self._storage.open(found.key) as file:
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
    ) -> None:
        self.stop.check()
        self.added.add(name, run, clean(input), after=after, when=when, optional=optional)

    def remove(self, ref: ArtifactRef) -> None:
        self.removed.append(ref)

    def _find(self, ref: ArtifactRef) -> StoredArtifact:
        mine = next((made for made in self.made if made.id == ref.artifact), None)
        try:
            found = mine or artifacts.find(self._db, ref.artifact, self.owner)
        except LedgerUnavailable as error:
            raise TransientError("ledger_unavailable", "The ledger did not answer.") from error
        if found is None:
            raise PermanentError(
                "artifact_not_found", f"There is no file {ref.artifact}: it was removed, or it never was yours."
            )
        return found

    @property
    def has_lines(self) -> bool:
        """Whether there are lines not written yet."""
        return bool(self._lines)

    def take_lines(self) -> list[Event]:
        """The lines not written yet. Waits for a write that is under way, so that they stay in order."""
        with self._writing, self._lock:
            lines, self._lines = self._lines, []
        return lines

    @contextmanager
    def writing_lines(self) -> Iterator[list[Event]]:
        """The lines not written yet, for the block to write; where it raises, they come first next time."""
        with self._writing:
            with self._lock:
                lines, self._lines = self._lines, []
            try:
                yield lines
            except BaseException:
                with self._lock:
                    self._lines[:0] = lines
                raise

    def new_progress(self) -> dict[str, Any] | None:
        """The progress, where it changed since what `progress_written` was told."""
        last = self.last_progress
        return None if last is self._progress_written else last

    def progress_written(self, written: dict[str, Any]) -> None:
        self._progress_written = written


def _finite(number: float | None) -> float | None:
    """A number JSON has, or None: infinity and NaN would spoil what is written together with them."""
    if number is None or not math.isfinite(number):
        return None
    return number if isinstance(number, int) else float(number)
