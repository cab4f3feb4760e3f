"""Runs the `async def` tasks of a queue: claims a group of hints, starts coroutines, finishes them in groups.

One thread claims and another finishes (`Endings`), each in one transaction for all that wait for it. So a thousand
running tasks cost as many transactions a second as ten, and nothing on the event loop waits for the ledger.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context as Variables
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.claim import Claim, NotClaimable
from bureau.ledger.jobs.dependents import ReadyTask
from bureau.ledger.jobs.finish import Finished
from bureau.ledger.jobs.outcome import Outcome
from bureau.messaging.stale_hints import StaleHints
from bureau.metrics import outcomes
from bureau.process.background_loop import Loop
from bureau.runtime.claiming import Claiming
from bureau.runtime.coroutines.event_loop import EventLoop, task_name
from bureau.runtime.endings import GATHER_SECONDS, IDLE_SECONDS, Endings, taken
from bureau.runtime.execution.execution import Execution
from bureau.runtime.execution.task_input import parsed_on_loop
from bureau.runtime.execution.task_outcomes import failed, succeeded
from bureau.runtime.execution.telling import Telling
from bureau.runtime.finishing import Finishing, Wakes
from bureau.runtime.group_commit import GroupCommit
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.pace import Pace
from bureau.storage import Storage
from bureau.submission.announcements import Announcements
from bureau.task import Task
from bureau.threads import in_thread

CLAIMS_AT_MOST = 500  # in one transaction; nobody waits for rows that are claimed
ALONE_THREADS = 8  # for claims and finishes that wait for locks of others

log = structlog.get_logger(__name__)

Settle = Callable[[], object]
"""Tells the broker that a hint is done with."""


def _no_hint() -> None:
    """Settles nothing, for a task that runs without a hint."""


@dataclass(frozen=True)
class Hinted:
    """Holds a task that may be claimed."""

    run: str
    task_id: UUID
    settle: Settle


class CoroutineRunner:
    """Runs at most `concurrency` tasks at once. Any thread may call `take`, which never blocks."""

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
        loop: EventLoop,
        concurrency: int,
        stale: StaleHints | None = None,
    ) -> None:
        self.queue = queue
        self.pace = Pace(concurrency, relay.wake)
        self._tasks = tasks
        self._db = db
        self._storage = storage
        self._announcements = Announcements(db)
        self._heartbeat = heartbeat
        self._loop = loop
        self._claiming = Claiming(db, queue, worker, self.pace, expected=lambda: 0, stale=stale)
        finishing = Finishing(db, storage, queue, relay, self._follow_up, expected=lambda: 0)
        self._alone = ThreadPoolExecutor(ALONE_THREADS, f"alone of {queue}")
        self._endings = Endings(queue, finishing, self._done, self._alone)
        self._telling = Telling(queue)
        self._finds = GroupCommit(partial(artifacts.find_all, db))
        self._hints: deque[Hinted] = deque()
        self._settles: dict[tuple[UUID, int], Settle] = {}  # of what runs
        self._running: set[asyncio.Task[None]] = set()  # the loop itself keeps only weak references
        self._idle = threading.Condition()
        self._claimer = Loop(f"claims of {queue}", self._claim_some)
        self._variables: Variables = copy_context()

    def start(self, variables: Variables) -> None:
        """Starts to claim. Each task begins with a copy of these context variables."""
        self._variables = variables
        self._claimer.start()
        self._endings.start()

    def take(self, run: str, task_id: UUID, settle: Settle = _no_hint) -> None:
        """Takes a hint, to be claimed as soon as there is room; `settle` is called when its task has ended.

        A hint that comes after `close` is not settled, so the broker gives it to another worker.
        """
        self._hints.append(Hinted(run, task_id, settle))
        self._claimer.wake()

    def close(self) -> None:
        """Stops claiming; running tasks go on."""
        self._claiming.close()

    def join(self, seconds: float) -> bool:
        """Waits until all running tasks have ended and been written. Returns False if that takes longer."""
        with self._idle:
            return self._idle.wait_for(lambda: self.pace.busy == 0, max(seconds, 0.0))

    def stop(self) -> None:
        self._claiming.close()
        self._claimer.stop()
        self._endings.stop()
        self._alone.shutdown(wait=False, cancel_futures=True)

    def unhealthy_reason(self) -> str | None:
        return self._claimer.unhealthy_reason() or self._endings.unhealthy_reason()

    def _claim_some(self) -> float:
        group = [] if self._claiming.closed else taken(self._hints, min(self.pace.free, CLAIMS_AT_MOST))
        if not group:
            return IDLE_SECONDS
        begun: list[Execution] = []
        for hinted, answer in zip(group, self._answers(group), strict=True):
            if isinstance(answer, Claim):
                begun.append(self._held(hinted, answer))
            elif isinstance(answer, Deferred):
                self.pace.began()  # it may run soon
                self._alone.submit(self._claim_alone, hinted)
            else:
                hinted.settle()
        if begun:
            self._loop.call(self._begin, begun)
        if not self._hints or self.pace.free <= 0:
            return IDLE_SECONDS
        return GATHER_SECONDS if len(group) > 1 else 0.0

    def _answers(self, group: list[Hinted]) -> "list[Claim | NotClaimable | Deferred]":
        try:
            return list(self._claiming.claim_group([(one.task_id, one.run) for one in group]))
        except LedgerUnavailable:
            self._hints.extendleft(reversed(group))
            raise
        except Exception:
            log.exception("a group of claims failed, each is tried alone")
            return [Deferred.FAILED] * len(group)

    def _claim_alone(self, hinted: Hinted) -> None:
        """Claims a task whose row somebody else has locked, and waits for that."""
        claimed = None
        try:
            claimed = self._claiming.claim(hinted.run, hinted.task_id)
        finally:
            if claimed is None:
                self._freed()
                if not self._claiming.closed:
                    hinted.settle()
        if claimed is not None:
            self.pace.ended()  # counted again by `_held`
            self._loop.call(self._begin, [self._held(hinted, claimed)])

    def _held(self, hinted: Hinted, claimed: Claim) -> Execution:
        self.pace.began()
        execution = Execution(claimed, self._find, self._storage, self._announcements)
        execution.may_follow = True
        self._settles[execution.held] = hinted.settle
        self._heartbeat.hold(execution)
        return execution

    def _begin(self, executions: list[Execution]) -> None:
        """Starts the coroutines, on the event loop."""
        for execution in executions:
            name = f"{execution.claim.run} {execution.task_id}"
            variables = self._variables.copy()
            variables.run(task_name.set, name)
            variables.run(structlog.contextvars.bind_contextvars, **execution.log_context)
            running = self._loop.running.create_task(self._run(execution), name=name, context=variables)
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    async def _run(self, execution: Execution) -> None:
        ending: Outcome | None = None  # if there is none to be had, the lease expires
        try:
            ending = await self._outcome(execution, self._tasks[execution.claim.run])
            outcomes.ran(execution.claim.run, ending, time.monotonic() - execution.began)
        finally:
            self._endings.add(execution, ending)

    async def _outcome(self, execution: Execution, task: Task[Any, Any]) -> Outcome | None:
        """Runs the task and returns its outcome; None if its claim was lost meanwhile."""
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - it runs in a task of the loop
        try:
            if self._telling.of_start:
                await in_thread(self._telling.started, execution)
            parsed = await parsed_on_loop(self._db, execution.claim, task)
            with execution.stop.interrupting(lambda: self._loop.call(me.cancel)):
                result = await task.call_async(execution, parsed)
            return succeeded(execution, result)
        except BaseException as error:  # noqa: BLE001 - CancelledError, SystemExit: nothing else would end this claim
            return failed(execution, error)

    def _done(self, execution: Execution) -> None:
        self._heartbeat.release(execution)
        self._settles.pop(execution.held)()
        if self._telling.of_end:  # in a thread of its own: this one writes the ends of others
            self._loop.call(self._tell, execution)
            return
        self._over(execution)

    def _tell(self, execution: Execution) -> None:
        told = self._loop.running.run_in_executor(None, self._variables.copy().run, self._telling.ended, execution)
        told.add_done_callback(lambda _: self._over(execution))

    def _over(self, execution: Execution) -> None:
        """Gives the place of an execution back. Its end is written, and its hooks were told."""
        if execution.following is not None:
            self._hints.append(Hinted(execution.following.run, execution.following.id, _no_hint))
        self._freed()

    def _freed(self) -> None:
        """Gives a place back."""
        with self._idle:
            self.pace.ended()
            self._idle.notify_all()
        if self._hints:
            self._claimer.wake()

    def _find(self, artifact_id: UUID, owner: str) -> StoredArtifact | None:
        found = self._finds((artifact_id, owner))
        return artifacts.find(self._db, artifact_id, owner) if isinstance(found, Deferred) else found

    def _follow_up(self, finished: Finished) -> ReadyTask | None:
        """Returns the task that is claimed next without a hint; None if waiting tasks should rather be taken."""
        if self._claiming.closed or not self.pace.spare:
            return None
        return next((one for one in finished.ready if one.queue == self.queue and one.run in self._tasks), None)
