"""Counts how executions and jobs end."""

from bureau.ledger.db.job_end import JobEnded
from bureau.ledger.jobs.finish import Finished, FinishResult
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded
from bureau.metrics.tasks import JOB_SECONDS, POSTPONED, RETRIES, TASK_SECONDS


def ran(task: str, outcome: Outcome | None, seconds: float) -> None:
    """Observes the seconds of an execution, before its outcome is written."""
    TASK_SECONDS.labels(task, _outcome(outcome)).observe(seconds)


def written(queue: str, outcome: Outcome, finished: Finished) -> None:
    """Counts a retry or postponement after the ledger has written it."""
    if isinstance(outcome, RetryLater) and finished.fate is FinishResult.DONE:
        (RETRIES if outcome.counted else POSTPONED).labels(queue).inc()


def job_ended(job: JobEnded) -> None:
    """Observes a job's end, whether by its last task, a cancel, expiry or too many crashes."""
    JOB_SECONDS.labels(job.kind, job.state).observe(job.seconds)


def _outcome(outcome: Outcome | None) -> str:
    """Returns the label of an outcome; `discarded` if the claim was lost before the task ended."""
    match outcome:
        case Succeeded():
            return "succeeded"
        case Failed():
            return "failed"
        case Cancelled():
            return "cancelled"
        case Released():
            return "handed_back"
        case RetryLater(counted=counted):
            return "retry" if counted else "postponed"
        case None:
            return "discarded"
