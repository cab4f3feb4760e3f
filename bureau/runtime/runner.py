"""Claims tasks, calls them and finishes them. `bureau.ledger.jobs.retry_policy` decides about outcomes, purely."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Protocol
from uuid import UUID

import structlog

from bureau.contracts.errors import TaskError
from bureau.contracts.jobs.graph import references, resolve
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.dispatch.workers import PACE_SECONDS
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs import leases
from bureau.ledger.jobs.claim import Claim, NotClaimable, claim, claim_batch, results
from bureau.ledger.jobs.dependents import ReadyTask
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.finish import ClaimOutcome, Finished, FinishResult, finish_batch, finish_waiting
from bureau.ledger.jobs.outcome import Failed, Outcome, Succeeded
from bureau.ledger.jobs.retry_policy import error_of
from bureau.ledger.mail.deliveries import close_delivery
from bureau.metrics import outcomes
from bureau.metrics.tasks import CLAIM_SECONDS, FINISH_SECONDS, timed
from bureau.runtime.execution import Execution
from bureau.runtime.group_commit import GroupCommit, GroupCommitByKey
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.raised_error import RaisedError
from bureau.runtime.task_call import Returned, WasStopped, call_task
from bureau.runtime.task_outcomes import failed, jitter, stopped
from bureau.storage import Storage
from bureau.submission.announcements import Announcements
from bureau.task import Task

FOLLOW_SECONDS = 60.0  # RabbitMQ takes a message away from a consumer that holds it for half an hour
LEDGER_AGAIN_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)

log = structlog.get_logger(__name__)


class Wakes(Protocol):
    """Defines what the runner needs of the relay."""

    def wake(self) -> None: ...


class Runner:
    """Runs the tasks of one queue. Many threads call `serve`, which never raises."""

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
        self._announced = 0  # claims in 10 s, according to the worker's row
        self._since_wake = 0
        self._closing = threading.Event()
        self._claims = GroupCommit[tuple[UUID, str], Claim | NotClaimable](
            partial(claim_batch, db, queue=queue, worker=worker), expected=lambda: self._threads - self.busy
        )
        self._finishes = GroupCommit(partial(finish_batch, db), expected=lambda: self.busy)
        self._blocked_finishes = GroupCommitByKey[UUID, ClaimOutcome, Finished](partial(finish_waiting, db))
        self._finds = GroupCommit(partial(artifacts.find_all, db))

    def close(self) -> None:
        """Stops claiming; running tasks go on."""
        self._closing.set()

    def claimed_lately(self) -> int:
        """Counts the claims of the last 10 s, which the worker announces as the size of the queue's window."""
        with self._lock:
            self._announced = self._pace()
            return self._announced

    @property
    def outpaces(self) -> bool:
        """Returns whether claims exceed the announced number so much that the window limits the worker."""
        with self._lock:
            return self._pace() > 2 * max(self._announced, self._threads)

    def _pace(self) -> int:
        since = time.monotonic() - PACE_SECONDS
        while self._claimed and self._claimed[0] < since:
            self._claimed.popleft()
        return len(self._claimed)

    def serve(self, run: str, task_id: UUID) -> None:
        """Runs a hint's task, and then a task that it made ready, while this worker has threads to spare.

        So a chain needs no message and no pass of the relay for each link. Such a follow-up overtakes no other task:
        while there are threads to spare, each waiting task has one already.
        """
        until = time.monotonic() + FOLLOW_SECONDS
        following = self.execute(run, task_id, follow=True)
        while following is not None:
            following = self.execute(following.run, following.id, follow=time.monotonic() < until)

    def execute(self, run: str, task_id: UUID, *, follow: bool = False) -> ReadyTask | None:
        """Executes one task. Its hint is settled in every case, because the row decides.

        With `follow` it may return a task that it made ready: that task gets no hint, because the caller executes it.
        If the process dies before, the scheduler finds the task without a hint.
        """
        claimed = self._claim(run, task_id)
        if claimed is None:
            return None
        self._count(1)
        execution = Execution(claimed, self._find, self._storage, self._announcements)
        execution.may_follow = follow
        try:
            with structlog.contextvars.bound_contextvars(
                job_id=str(claimed.job_id), task_id=str(claimed.task_id), claim_no=claimed.claim_no, run=run
            ):
                self._execute(execution, self._tasks[run])
        finally:
            self._count(-1)
        return execution.following

    def _execute(self, execution: Execution, task: Task[Any, Any]) -> None:
        began = time.monotonic()
        with self._heartbeat.holding(execution):
            ending = self._run(execution, task)
            outcomes.ran(task.name, ending, time.monotonic() - began)
            if ending is not None:
                with timed(FINISH_SECONDS, self.queue):
                    ending = self._finish(execution, ending)
            elif execution.delivery is not None:
                _until_answered(partial(close_delivery, self._db, execution.delivery))  # the mail has left
        if not isinstance(ending, Succeeded):
            self._delete_files(execution)

    def _claim(self, run: str, task_id: UUID) -> Claim | None:
        """Claims a task; waits while the ledger is away, because an error would acknowledge this hint and the next."""
        tries = 0
        while not self._closing.is_set():
            try:
                with timed(CLAIM_SECONDS, self.queue):
                    answer: Claim | NotClaimable | Deferred | None = self._claims((task_id, run))
                    if isinstance(answer, Deferred):
                        answer = claim(self._db, task_id, queue=self.queue, worker=self._worker, run=run)
            except LedgerUnavailable:
                self._closing.wait(_pause(tries))
                tries += 1
                continue
            if not isinstance(answer, Claim):
                return None
            self._note_claim()
            return answer
        return None

    def _note_claim(self) -> None:
        """Wakes the relay when half of this worker's part of the window is used up."""
        with self._lock:
            self._claimed.append(time.monotonic())
            self._since_wake += 1
            if self._since_wake < max(self._threads, self._announced // 2):
                return
            self._since_wake = 0
        self._relay.wake()

    def _count(self, change: int) -> None:
        with self._lock:
            self.busy += change

    def _run(self, execution: Execution, task: Task[Any, Any]) -> Outcome | None:
        """Runs the task and returns its outcome; None if its claim was lost meanwhile."""
        match call_task(execution, task, partial(self._input, execution.claim)):
            case Returned(result):
                return Succeeded(
                    result,
                    progress=execution.said.last_progress,
                    made=tuple(execution.made),
                    removed=tuple(ref.artifact for ref in execution.removed),
                    added=execution.added.new,
                )
            case WasStopped():
                return stopped(execution)
            case RaisedError() as raised:
                if raised.unexpected:
                    log.error("task raised", run=task.name, error=raised.error.message, exception=raised.traceback)
                return failed(execution, raised)

    def _input(self, claimed: Claim) -> dict[str, Any]:
        if not claimed.after or not references(claimed.input):
            return claimed.input
        with asking_ledger():
            found = results(self._db, claimed.job_id, claimed.after)
        found |= {name.rpartition(":")[2]: result for name, result in found.items()}  # the names an added task uses
        resolved: dict[str, Any] = resolve(claimed.input, found)
        return resolved

    def _find(self, artifact_id: UUID, owner: str) -> StoredArtifact | None:
        found = self._finds((artifact_id, owner))
        return artifacts.find(self._db, artifact_id, owner) if isinstance(found, Deferred) else found

    def _finish(self, execution: Execution, ending: Outcome) -> Outcome:
        """Retries until the ledger answers, because only then is the work done. Returns the outcome it accepted."""
        lines: Sequence[TaskEvent] | None = None
        written = ending
        for tries in count():
            try:
                lines = execution.said.rest() if lines is None else lines
                finished = self._finished(ClaimOutcome(execution.claim, written, lines, execution.delivery))
                break
            except LedgerUnavailable:
                time.sleep(_pause(tries))
            except Exception:
                log.exception("ending could not be written")
                if written is not ending:
                    return self._lose(execution, written)
                message = "The outcome could not be written to the ledger; the worker's log says why."
                written, lines = Failed(error_of("not_storable", message, retryable=True)), []
        outcomes.written(self.queue, written, finished)
        self._after(execution, finished)
        return written

    def _lose(self, execution: Execution, ending: Outcome) -> Outcome:
        """Gives a claim back as lost, because not even a failure can be written for it. It counts as a crash.

        Nobody else would notice: this process lives, and in the embedded process no lease expires.
        """
        _until_answered(partial(leases.lose, self._db, execution.held, jitter))
        self._relay.wake()
        return ending

    def _finished(self, end: ClaimOutcome) -> Finished:
        """Finishes a claim together with others that end now; if the job is locked, with others that wait for it."""
        answer = self._finishes(end)
        if answer is Deferred.LOCKED:
            answer = self._blocked_finishes(end.claim.job_id, end)
        if isinstance(answer, Deferred):
            (answer,) = finish_waiting(self._db, [end])
        return answer

    def _after(self, execution: Execution, finished: Finished) -> None:
        execution.following = self._follow_up(finished) if execution.may_follow else None
        others = len(finished.ready) > 1 or execution.following is None
        if (finished.woke and others) or finished.fate is FinishResult.ALREADY:
            self._relay.wake()
        if finished.fate is FinishResult.DISCARDED:
            log.warning("finish discarded: the task is another claim's")
            self._delete_files(execution)

    def _follow_up(self, finished: Finished) -> ReadyTask | None:
        """Returns the task that this thread runs next; None if it should rather take waiting tasks."""
        if self._closing.is_set() or 2 * self.busy > self._threads:
            return None
        return next((one for one in finished.ready if one.queue == self.queue and one.run in self._tasks), None)

    def _delete_files(self, execution: Execution) -> None:
        """Deletes files of a failed claim, unless the ledger has them; the scheduler finds remaining orphans."""
        keys = [made.key for made in execution.made]
        if not keys:
            return
        try:
            kept = artifacts.kept_keys(self._db, keys)
            self._storage.delete([key for key in keys if key not in kept])
        except (LedgerUnavailable, TaskError):
            log.warning("files of an ended claim were left behind", prefix=execution.prefix)


def _until_answered(act: Callable[[], object]) -> None:
    """Calls `act` until the ledger answers."""
    for tries in count():
        with suppress(LedgerUnavailable):
            act()
            return
        time.sleep(_pause(tries))


def _pause(tries: int) -> float:
    return LEDGER_AGAIN_SECONDS[min(tries, len(LEDGER_AGAIN_SECONDS) - 1)]
