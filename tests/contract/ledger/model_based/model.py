"""What should become of jobs, said as simply as possible: no counters, no SQL, all of it looked at anew each time."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from bureau.contracts.jobs.states import ENDED, JobState, TaskState, When
from bureau.ledger.jobs.finish import FinishResult
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded

CRASHES_AT_MOST = 5


@dataclass
class ModelTask:
    """A task as it should stand in the ledger."""

    id: UUID
    name: str
    after: tuple[str, ...]
    when: When
    optional: bool
    state: TaskState = TaskState.WAITING
    due: bool = True
    hinted: bool = False
    claim_no: int = 0
    failures: int = 0
    crashes: int = 0
    asked_to_stop: bool = False
    failure_before: bool = False  # it was skipped because something before it failed

    @property
    def claimable(self) -> bool:
        return self.state is TaskState.READY and self.due

    @property
    def passes_failure(self) -> bool:
        return self.state is TaskState.SKIPPED and self.failure_before

    def holds(self, claim_no: int) -> bool:
        return self.state is TaskState.RUNNING and self.claim_no == claim_no

    def claimed(self) -> None:
        self.state = TaskState.RUNNING
        self.claim_no += 1

    def ready(self, *, due: bool) -> None:
        self.state, self.due, self.hinted = TaskState.READY, due, False


@dataclass
class ModelJob:
    """A job and its tasks by name."""

    id: UUID
    tasks: dict[str, ModelTask]
    starts_at_once: bool = True
    may_expire: bool = False
    cancel_requested: bool = False

    @property
    def state(self) -> JobState:
        """Of an ended job: read from how its tasks ended."""
        states = [(task.state, task.optional) for task in self.tasks.values()]
        if any(state not in ENDED for state, _ in states):
            return JobState.OPEN
        if (TaskState.FAILED, False) in states:
            return JobState.FAILED
        if any(state is TaskState.CANCELLED for state, _ in states):
            return JobState.CANCELLED
        return JobState.SUCCEEDED

    @property
    def started(self) -> bool:
        return any(task.claim_no for task in self.tasks.values())

    def settle(self) -> None:
        """Moves waiting tasks on, until none can move."""
        while any(self._moves(task) for task in self.tasks.values() if task.state is TaskState.WAITING):
            pass

    def _moves(self, task: ModelTask) -> bool:
        before = [self.tasks[name] for name in task.after]
        ended = [one.state in ENDED for one in before]
        failure = any(one.state is TaskState.FAILED or one.passes_failure for one in before)
        if task.when is When.SUCCEEDED and failure:
            task.state, task.failure_before = TaskState.SKIPPED, True
        elif not all(ended):
            return False
        elif before and (
            (task.when is When.SUCCEEDED and any(one.state is not TaskState.SUCCEEDED for one in before))
            or (task.when is When.FAILED and not failure)
        ):
            task.state, task.failure_before = TaskState.SKIPPED, False
        else:
            task.ready(due=bool(task.after) or self.starts_at_once)
        return True

    def finish(self, task: ModelTask, claim_no: int, ending: Outcome) -> FinishResult:
        """The end of a claim, if it is still the task's."""
        if not task.holds(claim_no):
            intended = TaskState.SUCCEEDED if isinstance(ending, Succeeded) else TaskState.FAILED
            return (
                FinishResult.ALREADY if (task.claim_no, task.state) == (claim_no, intended) else FinishResult.DISCARDED
            )
        match ending:
            case Succeeded():
                task.state = TaskState.SUCCEEDED
            case Failed():
                task.state = TaskState.FAILED
            case _ if task.asked_to_stop:
                task.state = TaskState.CANCELLED
            case Cancelled():
                task.state = TaskState.CANCELLED
            case RetryLater(delay=delay, counted=counted):
                task.failures += counted
                task.ready(due=delay == 0)
            case Released():
                task.ready(due=True)
        self.settle()
        return FinishResult.DONE

    def crash(self, task: ModelTask) -> None:
        """The worker of a running task fell silent."""
        if task.asked_to_stop:
            task.state = TaskState.CANCELLED
        elif task.crashes + 1 >= CRASHES_AT_MOST:
            task.state = TaskState.FAILED
        else:
            task.crashes += 1
            task.ready(due=True)
        self.settle()

    def stop(self) -> None:
        """Cancel and expiry: what has not ended ends or is asked to."""
        for task in self.tasks.values():
            if task.state in (TaskState.WAITING, TaskState.READY):
                task.state = TaskState.CANCELLED
                task.asked_to_stop = True
            elif task.state is TaskState.RUNNING:
                task.asked_to_stop = True

    def retry(self) -> None:
        """By a person: what did not succeed begins again."""
        for task in self.tasks.values():
            if task.state is not TaskState.SUCCEEDED:
                task.state, task.hinted, task.asked_to_stop = TaskState.WAITING, False, False
                task.failures = task.crashes = 0
        self.cancel_requested = self.may_expire = False
        self.starts_at_once = True
        self.settle()


def all_tasks(jobs: Iterable[ModelJob]) -> list[tuple[ModelJob, ModelTask]]:
    return [(job, task) for job in jobs for task in job.tasks.values()]
