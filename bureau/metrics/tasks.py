"""Defines the metrics of workers: claims, tasks, finishes and the ends of jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import Counter, Histogram

_STATEMENT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
_WORK_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
_JOB_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)

CLAIM_SECONDS = Histogram(
    "bureau_ledger_claim_duration_seconds",
    "Seconds of a claim that the ledger answered.",
    ["queue"],
    buckets=_STATEMENT_SECONDS,
)
FINISH_SECONDS = Histogram(
    "bureau_ledger_finish_duration_seconds",
    "Seconds of a finish, including waits for a ledger that was down.",
    ["queue"],
    buckets=_STATEMENT_SECONDS,
)
RETRIES = Counter("bureau_ledger_retries", "Failed attempts that are retried.", ["queue"])
POSTPONED = Counter("bureau_ledger_postponed", "Executions that were postponed without counting an attempt.", ["queue"])
TASK_SECONDS = Histogram(
    "bureau_task_duration_seconds",
    "Seconds of an execution, by task and outcome: succeeded, failed, cancelled, retry, postponed, handed_back, "
    "discarded.",
    ["task", "outcome"],
    buckets=_WORK_SECONDS,
)
ARTIFACT_BYTES = Counter("bureau_artifact_bytes", "Bytes of the files that tasks made.", ["task"])
JOB_SECONDS = Histogram(
    "bureau_job_duration_seconds",
    "Seconds from a job's submission, or the time it was to start at, to its end, by kind and state.",
    ["kind", "state"],
    buckets=_JOB_SECONDS,
)


@contextmanager
def timed(duration: Histogram, queue: str) -> Iterator[None]:
    """Observes the block's duration in seconds, unless it raises."""
    started_at = monotonic()
    yield
    duration.labels(queue).observe(monotonic() - started_at)
