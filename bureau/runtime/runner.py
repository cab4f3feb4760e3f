"""Claims tasks, calls them and finishes them. `bureau.ledger.jobs.retry_policy` decides about outcomes, purely."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from bureau.ledger.db.database import Database
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.ledger.jobs.dependents import ReadyTask
from bureau.ledger.jobs.finish import Finished
from bureau.ledger.jobs.outcome import Released
from bureau.messaging.stale_hints import StaleHints
from bureau.metrics import outcomes
from bureau.runtime.claiming import Claiming
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

FOLLOW_SECONDS = 60.0  # RabbitMQ takes a message away from a consumer that holds it for half an hour


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
        self._finds = GroupCommit(partial(artifacts.find_all, db))

    def close(self) -> None:
        """Stops claiming; running tasks go on."""
        self._claiming.close()

    def stop(self) -> None:
        """Hands back what was claimed for threads that have ended meanwhile."""
        for claimed in self._claiming.left():
            execution = Execution(claimed, self._find, self._storage, self._announcements)
            self._finishing.finish(Ended(execution, Released(), ()))

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
            following = self.execute(following.run, following.id, follow=time.monotonic() < until)

    def execute(self, run: str, task_id: UUID, *, follow: bool = False) -> ReadyTask | None:
        """Executes one task. Its hint is settled in every case, because the row decides.

        With `follow` it may return a task that it made ready: that task gets no hint, because the caller executes it.
        If the process dies before, the scheduler finds the task without a hint.
        """
        claimed = self._claiming.claim(run, task_id)
        if claimed is None:
            return None
        self.pace.began()
        execution = Execution(claimed, self._find, self._storage, self._announcements)
        execution.may_follow = follow
        try:
            with structlog.contextvars.bound_contextvars(**execution.log_context):
                self._execute(execution, self._tasks[run])
        finally:
            self.pace.ended()
        return execution.following

    def _execute(self, execution: Execution, task: Task[Any, Any]) -> None:
        with self._heartbeat.holding(execution):
            self._telling.started(execution)
            ending = call_task(execution, task, self._db)
            outcomes.ran(task.name, ending, time.monotonic() - execution.began)
            self._finishing.finish(Ended.of(execution, ending))
        self._telling.ended(execution)

    def _find(self, artifact_id: UUID, owner: str) -> StoredArtifact | None:
        found = self._finds((artifact_id, owner))
        return artifacts.find(self._db, artifact_id, owner) if isinstance(found, Deferred) else found

    def _follow_up(self, finished: Finished) -> ReadyTask | None:
        """Returns the task that this thread runs next; None if it should rather take waiting tasks."""
        if self._claiming.closed or not self.pace.spare:
            return None
        return next((one for one in finished.ready if one.queue == self.queue and one.run in self._tasks), None)
