"""Implements the Context of one execution of a task, and gathers its output for the reporter and the finish."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bureau.contracts.artifacts import ArtifactRef, safe_name
from bureau.contracts.base import clean
from bureau.contracts.errors import PermanentError
from bureau.contracts.ids import new_id
from bureau.contracts.jobs.states import When
from bureau.contracts.mail.delivery import DeliveryEnd
from bureau.contracts.media_types import MediaType
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.dependents import ReadyTask
from bureau.ledger.jobs.outcome import Outcome
from bureau.metrics import tasks as metrics
from bureau.runtime.execution.added_tasks import AddedTasks
from bureau.runtime.execution.alarm import Alarm
from bureau.runtime.execution.event_buffer import EventBuffer
from bureau.runtime.execution.interrupt import Interrupt
from bureau.secrets.redaction import scrub
from bureau.stop_token import StopToken
from bureau.storage import Storage, StorageWriter
from bureau.submission.announcements import Announcements
from bureau.task import Context
from bureau.task_files import ArtifactBlock, ArtifactWriter, OpenArtifact, OpenBlock, artifact_block, open_block

Find = Callable[[UUID, str], StoredArtifact | None]
"""The artifact of this id and owner. Raises `LedgerUnavailable`."""


class MadeArtifact:
    """Writes an artifact to a storage writer; `ref` is known at once, and its file is visible after the finish."""

    def __init__(self, writer: StorageWriter, ref: ArtifactRef, stop: StopToken, interrupt: Interrupt) -> None:
        self._writer = writer
        self._stop = stop
        self._interrupt = interrupt
        self.ref = ref

    @property
    def size(self) -> int:
        return self._writer.size

    @property
    def sha256(self) -> str:
        return self._writer.sha256

    def write(self, data: bytes, /) -> int:
        self._stop.check()
        with self._interrupt.held_off():
            return self._writer.write(data)


class Execution(Context):
    """Holds a running task: its unwritten events in `events`, its files in `made`.

    Its methods hold interrupts off, because they take locks that other threads of the process need.
    """

    def __init__(self, claim: Claim, find: Find, storage: Storage, announcements: Announcements) -> None:
        self.claim = claim
        self.job_id, self.task_id, self.owner = claim.job_id, claim.task_id, claim.owner
        self.attempt, self.claim_no = claim.failures + 1, claim.claim_no
        self.stop = StopToken()
        self.interrupt = Interrupt(self.stop)
        self.began = time.monotonic()
        self.deadline = self.began + claim.time_limit_seconds
        self.fails_at_time_limit = False
        self.made: list[StoredArtifact] = []
        self.kept: list[StoredArtifact] = []  # for a permanent failure
        self.removed: list[ArtifactRef] = []
        self.may_follow = False  # whether the caller runs a task that this one makes ready
        self.following: ReadyTask | None = None
        self.written: Outcome | None = None  # the end that the ledger has; None before, and for a lost claim
        self.raised: BaseException | None = None  # by the function, where hooks are told of it
        self.known: Mapping[str, Any] = {}  # results of tasks before it that this process has just written, by name
        self.delivery: DeliveryEnd | None = None  # written however the execution ends
        self.added = AddedTasks(claim.name, announcements)
        self.events = EventBuffer(claim.name, claim.claim_no, claim.worker)
        self._find_in_ledger = find
        self._storage = storage

    @property
    def held(self) -> tuple[Any, int]:
        return self.claim.task_id, self.claim.claim_no

    @property
    def log_context(self) -> dict[str, Any]:
        """Returns what each log record of this execution says."""
        claim = self.claim
        ids = {"job_id": str(claim.job_id), "task_id": str(claim.task_id)}
        return {**ids, "claim_no": claim.claim_no, "run": claim.run}

    @property
    def prefix(self) -> str:
        """Returns the prefix of the keys of this claim's files; another claim of the same task uses another prefix."""
        return f"jobs/{self.claim.job_id}/{self.claim.task_id}.{self.claim.claim_no}"

    def log(self, line: str) -> None:
        self.stop.check()
        with self.interrupt.held_off():
            self.events.line(scrub(line))

    def progress(self, current: float, total: float | None = None, note: str | None = None) -> None:
        self.stop.check()
        with self.interrupt.held_off():
            self.events.progress(current, total, None if note is None else scrub(note))

    def meta(self, value: dict[str, Any]) -> None:
        self.stop.check()
        with self.interrupt.held_off():
            self.events.meta(value)

    def artifact(self, name: str, media_type: str) -> ArtifactBlock:
        self.stop.check()
        plain = safe_name(name)
        try:
            kind = str(MediaType.parse(media_type))
        except ValueError as error:
            what = f"{media_type!r:.100} is not a media type such as text/csv: {error}"
            raise PermanentError("media_type_invalid", f"The file {plain} of this task: {what}.") from None
        return artifact_block(self._written(ArtifactRef(artifact=new_id(), name=plain), plain, kind))

    @contextmanager
    def _written(self, ref: ArtifactRef, plain: str, media_type: str) -> Iterator[ArtifactWriter]:
        self.stop.check()
        key = f"{self.prefix}.{ref.artifact}"  # the ledger holds the name: storage allows fewer names than people use
        with self.interrupt.held_off():
            with self._storage.writer(key) as writer:
                made = MadeArtifact(writer, ref, self.stop, self.interrupt)
                with self.interrupt.let_in():
                    yield made
            metrics.ARTIFACT_BYTES.labels(self.claim.run).inc(writer.size)
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

    def keep(self, ref: ArtifactRef, name: str) -> None:
        made = next(made for made in self.made if made.id == ref.artifact)
        self.kept.append(replace(made, name=safe_name(name)))

    def open(self, ref: ArtifactRef) -> OpenBlock:
        self.stop.check()
        return open_block(self._opened(ref))

    @contextmanager
    def _opened(self, ref: ArtifactRef) -> Iterator[OpenArtifact]:
        self.stop.check()
        with self.interrupt.held_off():
            found = self._find(ref)
            with self._storage.open(found.key) as file:
                opened = OpenArtifact(ref.name or found.name, found.media_type, found.size, found.sha256, file)
                with self.interrupt.let_in():
                    yield opened

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
        with self.interrupt.held_off():
            self.added.add(name, run, clean(input), after=after, when=when, optional=optional, queue=queue)

    def raise_after(self, seconds: float, error: type[Exception]) -> None:
        self.interrupt.set_alarm(Alarm(seconds, error))

    def remove(self, ref: ArtifactRef) -> None:
        self.removed.append(ref)

    def delivered(self, end: DeliveryEnd) -> None:
        self.delivery = end

    def _find(self, ref: ArtifactRef) -> StoredArtifact:
        mine = next((made for made in self.made if made.id == ref.artifact), self.claim.files.get(ref.artifact))
        with asking_ledger():
            found = mine or self._find_in_ledger(ref.artifact, self.owner)
        if found is None:
            raise PermanentError(
                "artifact_not_found", f"File {ref.artifact} not found: it was removed, or it is not yours."
            )
        return found
