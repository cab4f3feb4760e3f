"""Claims tasks, calls them and finishes them. `bureau.ledger.jobs.retry_policy` decides about outcomes, purely."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

import structlog

from bureau.ledger.db.database import Database
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.dependents import ReadyTask
from bureau.ledger.jobs.finish import Finished
from bureau.ledger.jobs.outcome import Outcome, Released, Succeeded
from bureau.messaging.stale_hints import StaleHints
from bureau.metrics import outcomes
from bureau.runtime.claiming import Claiming
from bureau.runtime.endings import Endings
from bureau.runtime.execution.execution import Execution
from bureau.runtime.execution.task_call import call_task
from bureau.runtime.execution.telling import Telling
from bureau.runtime.finishing import Ended, Finishing, Wakes
from bureau.runtime.group_commit import GroupCommit
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.pace import Pace
from bureau.storage import Storage
from bureau.submission.announcements import Announcements
from bureau.task import Task

ALONE_THREADS = 8  # for ends that wait for locks of others
FOLLOW_SECONDS = 60.0  # RabbitMQ takes a message away from a consumer that holds it for half an hour


Following = tuple[ReadyTask, Mapping[str, Any]]
"""A task that is executed next without a hint, and the result of the task that made it ready, by its name."""


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
        pool: Pace | None = None,
        stale: StaleHints | None = None,
    ) -> None:
        """`pool` counts all that runs on these threads if other queues use them too."""
        self.queue = queue
        self.pace = Pace(threads, relay.wake, pool)
        self._tasks = tasks
        self._db = db
        self._storage = storage
        self._announcements = Announcements(db)
        self._heartbeat = heartbeat
        self._claiming = Claiming(db, queue, worker, self.pace, expected=lambda: self.pace.free, stale=stale)
        self._finishing = Finishing(db, storage, queue, relay, self._follow_up, expected=lambda: self.pace.busy)
        self._telling = Telling(queue)
        self._alone = ThreadPoolExecutor(ALONE_THREADS, f"alone of {queue}")
        self._endings = Endings(queue, self._finishing, heartbeat.release, self._alone)
        self._started = False
        self._finds = GroupCommit(partial(artifacts.find_all, db))

    def start(self) -> None:
        """Lets ends be written while their threads go on. Without it each thread waits for the end of its task."""
        self._started = True
        self._endings.start()

    def close(self) -> None:
        """Stops claiming; running tasks go on."""
        self._claiming.close()

    def stop(self, seconds: float = 0.0) -> bool:
        """Hands back what was claimed for threads that have ended meanwhile, and waits for the ends of all tasks.

        Returns False if that takes longer than so many seconds.
        """
        for claimed in self._claiming.left():
            execution = Execution(claimed, self._find, self._storage, self._announcements)
            self._heartbeat.hold(execution)
            self._endings.add(execution, Released())
        written = self._endings.join(seconds)
        self._endings.stop()
        self._alone.shutdown(wait=False, cancel_futures=True)
        return written

    def unhealthy_reason(self) -> str | None:
        return self._endings.unhealthy_reason()

    def foretell(self, hints: Sequence[tuple[UUID, str]]) -> None:
        """Takes the hints that threads of this runner get next, so that the first of them claims for all."""
        self._claiming.foretell([(task_id, run) for task_id, run in hints if run in self._tasks])

    def serve(self, run: str, task_id: UUID) -> None:
        """Runs a hint's task, and then a task that it made ready, while this worker has threads to spare.

        So a chain needs no message and no pass of the relay for each link. Such a follow-up overtakes no other task:
        while there are threads to spare, each waiting task has one already.
        """
        until = time.monotonic() + FOLLOW_SECONDS
        following = self.execute(run, task_id, follow=True)
        while following is not None:
            then, known = following
            following = self.execute(then.run, then.id, follow=time.monotonic() < until, known=known)

    def execute(
        self, run: str, task_id: UUID, *, follow: bool = False, known: Mapping[str, Any] = MappingProxyType({})
    ) -> Following | None:
        """Executes one task. Its hint is settled in every case, because the row decides.

        With `follow` it may return a task that it made ready: that task gets no hint, because the caller executes it.
        If the process dies before, the scheduler finds the task without a hint. `known` are the results that came with
        the task.
        """
        claimed = self._claiming.claim(run, task_id)
        if claimed is None:
            return None
        self.pace.began()
        execution = Execution(claimed, self._find, self._storage, self._announcements)
        execution.may_follow, execution.known = follow, known
        try:
            with structlog.contextvars.bound_contextvars(**execution.log_context):
                ending = self._execute(execution, self._tasks[run])
        finally:
            self.pace.ended()
        if execution.following is None:
            return None
        return execution.following, {claimed.name: ending.result} if isinstance(ending, Succeeded) else {}

    def _execute(self, execution: Execution, task: Task[Any, Any]) -> Outcome | None:
        self._heartbeat.hold(execution)
        handed_on = False
        try:
            self._telling.started(execution)
            ending = call_task(execution, task, self._db)
            outcomes.ran(task.name, ending, time.monotonic() - execution.began)
            if ending is not None and self._hands_on(execution):
                handed_on = True
                self._endings.add(execution, ending)
            else:
                self._finishing.finish(Ended.of(execution, ending))
        finally:
            if not handed_on:
                self._heartbeat.release(execution)
        if not handed_on:
            self._telling.ended(execution)
        return ending

    def _hands_on(self, execution: Execution) -> bool:
        """Returns whether another thread writes the end, in a group, while this one goes on with other tasks.

        The end of a task with dependents is waited for, because this thread may go on with one of them. So are ends
        while as many as there are threads are unwritten: a process that cannot write ends is not to claim more. And so
        are all ends that hooks are told of, in this thread.
        """
        waits_for_none = execution.claim.lone and not self._telling.of_end
        return self._started and waits_for_none and self._endings.open < self.pace.capacity

    def _find(self, artifact_id: UUID, owner: str) -> StoredArtifact | None:
        found = self._finds((artifact_id, owner))
        return artifacts.find(self._db, artifact_id, owner) if isinstance(found, Deferred) else found

    def _follow_up(self, finished: Finished) -> ReadyTask | None:
        """Returns the task that this thread runs next; None if it should rather take waiting tasks."""
        if self._claiming.closed or not self.pace.spare:
            return None
        return next((one for one in finished.ready if one.queue == self.queue and one.run in self._tasks), None)
