"""The runner: claim, call, finish. What happens to an outcome is decided purely, in `bureau.ledger.jobs.policy`."""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError

from bureau.contracts.errors import PermanentError, Postponed, Stopped, TaskError, TransientError
from bureau.contracts.jobs.graph import references, resolve
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch.workers import PACE_SECONDS
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.claim import Claim, claim, claim_batch, results
from bureau.ledger.jobs.finish import ClaimOutcome, Finished, FinishResult, finish, finish_batch
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded
from bureau.ledger.jobs.policy import GiveUp, Postpone, Retry, decide_retry, error_of
from bureau.metrics import outcomes
from bureau.metrics.tasks import CLAIM_SECONDS, FINISH_SECONDS, timed
from bureau.runtime.execution import Execution
from bureau.runtime.group_commit import GroupCommit
from bureau.runtime.heartbeat import Heartbeat
from bureau.secrets.redaction import scrub
from bureau.stop_token import StopReason
from bureau.storage import Storage
from bureau.submission.announcements import Announcements
from bureau.task import Task

LEDGER_AGAIN_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
NEWER_INPUT_SECONDS = 30.0
RESULT_BYTES = 256 * 1024

log = structlog.get_logger(__name__)


class Wakes(Protocol):
    """The relay, as the runner sees it."""

    def wake(self) -> None: ...


class Runner:
    """Runs the tasks of one queue. `execute` is called by many threads and never raises."""

    def __init__(
        self,
        queue: str,
        worker: str,
        tasks: Mapping[str, Task[Any, Any]],
        *,
        db: Database,
        storage: Storage,
        heartbeat: Heartbeat,
        relay: Wakes,
        threads: int,
    ) -> None:
        self.queue = queue
        self.busy = 0
        self._worker = worker
        self._tasks = tasks
        self._db = db
        self._storage = storage
        self._announcements = Announcements(db)
        self._heartbeat = heartbeat
        self._relay = relay
        self._threads = threads
        self._lock = threading.Lock()
        self._claimed: deque[float] = deque(maxlen=100_000)
        self._since_wake = 0
        self._closing = threading.Event()
        self._claims = GroupCommit(partial(claim_batch, db, queue=queue, worker=worker))
        self._finishes = GroupCommit(partial(finish_batch, db))
        self._finds = GroupCommit(partial(artifacts.find_all, db))

    def close(self) -> None:
        """Claims nothing more; what runs goes on."""
        self._closing.set()

    def claimed_lately(self) -> int:
        """How many tasks were claimed in the last 10 s: the size of the queue's window."""
        since = time.monotonic() - PACE_SECONDS
        with self._lock:
            while self._claimed and self._claimed[0] < since:
                self._claimed.popleft()
            return len(self._claimed)

    def execute(self, run: str, task_id: UUID) -> None:
        """What a hint leads to. Whatever it finds, the hint is done with: the row decides."""
        claimed = self._claim(run, task_id)
        if claimed is None:
            return
        self._count(1)
        execution = Execution(claimed, self._find, self._storage, self._announcements)
        try:
            with structlog.contextvars.bound_contextvars(
                job_id=str(claimed.job_id), task_id=str(claimed.task_id), claim_no=claimed.claim_no
            ):
                self._execute(execution, self._tasks[run])
        finally:
            self._count(-1)

    def _execute(self, execution: Execution, task: Task[Any, Any]) -> None:
        began = time.monotonic()
        with self._heartbeat.holding(execution):
            ending = self._run(execution, task)
            outcomes.ran(task.name, ending, time.monotonic() - began)
            if ending is not None:
                with timed(FINISH_SECONDS, self.queue):
                    ending = self._finish(execution, ending)
        if not isinstance(ending, Succeeded):
            self._delete_files(execution)

    def _claim(self, run: str, task_id: UUID) -> Claim | None:
        """Waits while the ledger is away: a hint that raised would be acknowledged, and so would all behind it."""
        tries = 0
        while not self._closing.is_set():
            try:
                with timed(CLAIM_SECONDS, self.queue):
                    claimed = self._claims((task_id, run)) or claim(
                        self._db, task_id, queue=self.queue, worker=self._worker, run=run
                    )
            except LedgerUnavailable:
                self._closing.wait(_pause(tries))
                tries += 1
                continue
            if claimed is not None:
                self._note_claim()
            return claimed
        return None

    def _note_claim(self) -> None:
        """Wakes the relay when half of this worker's part of the window is used up."""
        with self._lock:
            self._claimed.append(time.monotonic())
            self._since_wake += 1
            if self._since_wake < self._threads:
                return
            self._since_wake = 0
        self._relay.wake()

    def _count(self, change: int) -> None:
        with self._lock:
            self.busy += change

    def _run(self, execution: Execution, task: Task[Any, Any]) -> Outcome | None:
        """How the execution ended; None when its claim is somebody else's by now."""
        try:
            parsed = self._parsed(execution.claim, task)
            result = task.call(execution, parsed)
            _refuse_unstorable(result)
            return Succeeded(
                result,
                progress=execution.said.last_progress,
                made=tuple(execution.made),
                removed=tuple(ref.artifact for ref in execution.removed),
                added=execution.added.new,
            )
        except Stopped:
            return _stopped(execution)
        except TaskError as error:
            ending = _ended_by(error, execution.claim)
            return replace(ending, made=tuple(execution.kept)) if isinstance(ending, Failed) else ending
        except BaseException as error:  # asyncio's CancelledError, SystemExit: nobody else would end this claim
            log.exception("task raised", run=task.name)
            return _ended_by(_unexpected(error, task.name), execution.claim)

    def _parsed(self, claimed: Claim, task: Task[Any, Any]) -> BaseModel:
        try:
            return task.parse(self._input(claimed))
        except ValidationError as error:  # the input's alone: one that the function raises is the task's own failure
            raise _input_error(error, claimed) from error

    def _input(self, claimed: Claim) -> dict[str, Any]:
        if not claimed.after or not references(claimed.input):
            return claimed.input
        try:
            found = results(self._db, claimed.job_id, claimed.after)
            found |= {name.rpartition(":")[2]: result for name, result in found.items()}  # an added task's own words
        except LedgerUnavailable as error:
            raise TransientError("ledger_unavailable", "The ledger did not answer.") from error
        resolved: dict[str, Any] = resolve(claimed.input, found)
        return resolved

    def _find(self, artifact_id: UUID, owner: str) -> StoredArtifact | None:
        return self._finds((artifact_id, owner)) or artifacts.find(self._db, artifact_id, owner)

    def _finish(self, execution: Execution, ending: Outcome) -> Outcome:
        """Asks until the ledger answers: only then is the work done, and its hint with it. The ending it took."""
        lines = execution.said.rest()
        tries = 0
        while True:
            try:
                end = ClaimOutcome(execution.claim, ending, lines)
                finished = self._finishes(end) or finish(self._db, execution.claim, ending, lines)
                break
            except LedgerUnavailable:
                time.sleep(_pause(tries))
                tries += 1
            except Exception:
                if isinstance(ending, Failed):
                    raise  # nothing is left to say; the lease ends and counts as a crash
                log.exception("ending could not be written")
                message = "The outcome could not be written to the ledger; the worker's log says why."
                ending, lines = Failed(error_of("not_storable", message, retryable=True)), []
        outcomes.written(self.queue, ending, finished)
        self._after(execution, finished)
        return ending

    def _after(self, execution: Execution, finished: Finished) -> None:
        if finished.woke or finished.fate is FinishResult.ALREADY:
            self._relay.wake()
        if finished.fate is FinishResult.DISCARDED:
            log.warning("finish discarded: the task is another claim's")
            self._delete_files(execution)

    def _delete_files(self, execution: Execution) -> None:
        """Files of a claim that came to nothing, unless the ledger has them; what stays is the scheduler's to find."""
        keys = [made.key for made in execution.made]
        if not keys:
            return
        try:
            kept = artifacts.kept_keys(self._db, keys)
            self._storage.delete([key for key in keys if key not in kept])
        except (LedgerUnavailable, TaskError):
            log.warning("files of an ended claim were left behind", prefix=execution.prefix)


def _pause(tries: int) -> float:
    return LEDGER_AGAIN_SECONDS[min(tries, len(LEDGER_AGAIN_SECONDS) - 1)]


def _stopped(execution: Execution) -> Outcome | None:
    match execution.stop.reason:
        case StopReason.CANCELLED:
            return Cancelled()
        case StopReason.TIME_LIMIT:
            limit = execution.claim.time_limit_seconds
            error = TransientError("time_limit", f"It ran longer than its time limit of {limit:g} seconds.")
            return _ended_by(error, execution.claim)
        case StopReason.SHUTDOWN:
            return Released()
        case StopReason.LEASE_LOST:
            return None
        case None:
            by_hand = TransientError("unexpected_error", f"{execution.claim.run} raised Stopped, unasked.")
            return _ended_by(by_hand, execution.claim)


def _ended_by(error: TaskError, claimed: Claim) -> Outcome:
    decision = decide_retry(
        error,
        claimed.failures + 1,
        claimed.retry,
        lambda seconds: random.uniform(0, seconds),  # noqa: S311 - jitter, not a secret
        postponed_seconds=claimed.postponed_seconds,
    )
    retryable = not isinstance(error, PermanentError)
    match decision:
        case Retry(delay):
            return RetryLater(delay, error_of(error.code, scrub(error.message), retryable=True), counted=True)
        case Postpone(delay):
            return RetryLater(delay, error_of(error.code, scrub(error.message), retryable=True), counted=False)
        case GiveUp(code, message):
            return Failed(error_of(code, scrub(message), retryable=retryable))


def _input_error(error: ValidationError, claimed: Claim) -> TaskError:
    """An input the gateway accepted does not fit: from another version, or from a result that nobody could check."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = "/".join(str(part) for part in first["loc"])
    said = f"The input does not fit {claimed.run}: {place}: {first['msg']}."
    if references(claimed.input):
        return PermanentError("invalid_input", said)
    return Postponed("newer_input", f"{said} It waits for a worker of another version.", delay=NEWER_INPUT_SECONDS)


def _unexpected(error: BaseException, name: str) -> TransientError:
    text = scrub(str(error))[:500]
    return TransientError("unexpected_error", f"{name} raised {type(error).__name__}: {text}".rstrip(": "))


def _refuse_unstorable(result: Any) -> None:
    """Raises `PermanentError` for a result that is not JSON: NaN and infinity are not (RFC 8259)."""
    try:
        size = len(json.dumps(result, allow_nan=False))
    except ValueError as error:
        raise PermanentError("result_not_json", f"The result cannot be written as JSON: {error}.") from error
    if size > RESULT_BYTES:
        raise PermanentError(
            "result_too_large", f"The result has {size:,} characters, {RESULT_BYTES:,} are allowed. Write an artifact."
        )
