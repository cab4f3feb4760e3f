"""How executions and jobs end, counted."""

from bureau.ledger.db.job_end import JobEnded
from bureau.ledger.jobs.finish import Finished, FinishResult
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded
from bureau.metrics.tasks import JOB_SECONDS, POSTPONED, RETRIES, TASK_SECONDS


def ran(task: str, ending: Outcome | None, seconds: float) -> None:
    """An execution, before its ending is written."""
    TASK_SECONDS.labels(task, _outcome(ending)).observe(seconds)


def written(queue: str, ending: Outcome, finished: Finished) -> None:
    """What the ledger made of it."""
    if isinstance(ending, RetryLater) and finished.fate is FinishResult.DONE:
        (RETRIES if ending.counted else POSTPONED).labels(queue).inc()


def job_ended(job: JobEnded) -> None:
    """By its last task, by a cancel, by time, by a crash too many."""
    JOB_SECONDS.labels(job.kind, job.state).observe(job.seconds)


def _outcome(ending: Outcome | None) -> str:
    """`discarded`: the claim was somebody else's before the task ended."""
    match ending:
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
