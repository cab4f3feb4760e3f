"""Calls the hooks of an execution: when its function is about to be called, and when its end is in the ledger."""

from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded
from bureau.process.hooks import HOOKS, TASK_MOMENTS, Hooks, TaskRun
from bureau.runtime.execution.execution import Execution
from bureau.stop_token import StopReason

ENDS = tuple(moment for moment in TASK_MOMENTS if moment != "started")


class Telling:
    """Tells the hooks of a process about the executions of one queue. Nothing is made where nobody listens."""

    def __init__(self, queue: str, hooks: Hooks = HOOKS) -> None:
        self._queue = queue
        self._hooks = hooks

    @property
    def of_start(self) -> bool:
        return self._hooks.has(["started"])

    @property
    def of_end(self) -> bool:
        return self._hooks.has(ENDS)

    def started(self, execution: Execution) -> None:
        if self.of_start:
            self._hooks.call("started", self._run(execution))

    def ended(self, execution: Execution) -> None:
        """Tells how the execution ended, as the ledger has it, and then that it ended."""
        if not self.of_end:
            return
        run = self._run(execution, None if isinstance(execution.written, Succeeded) else execution.raised)
        if moment := moment_of(execution.written, execution.stop.reason):
            self._hooks.call(moment, run)
        self._hooks.call("ended", run)
        execution.raised = None  # it holds the frames of the task

    def _run(self, execution: Execution, error: BaseException | None = None) -> TaskRun:
        claim = execution.claim
        return TaskRun(
            run=claim.run,
            queue=self._queue,
            name=claim.name,
            job_id=claim.job_id,
            task_id=claim.task_id,
            owner=claim.owner,
            attempt=execution.attempt,
            claim_no=claim.claim_no,
            error=error,
        )


def moment_of(written: Outcome | None, stopped: StopReason | None) -> str | None:
    """Returns what the hooks of an end are told; None for a task that was handed back, or whose claim was lost."""
    match written:
        case Succeeded():
            return "succeeded"
        case Failed():
            return "failed"
        case Cancelled():
            return "cancelled"
        case RetryLater():  # a job that was cancelled meanwhile is not tried again
            return "cancelled" if stopped is StopReason.CANCELLED else "retried"
        case Released() | None:
            return None
