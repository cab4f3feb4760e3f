"""A submission without files, what it is admitted by, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from bureau.ledger.access.idempotency import Answer, Once
from bureau.ledger.access.keys import KeyCheck
from bureau.ledger.access.rate_limits import Rate, RateLimitResult
from bureau.ledger.jobs.submit import NewJob, StampedTask


@dataclass(frozen=True)
class AdmissionCheck:
    """What admits a submission, where that was not decided before its transaction.

    `key` must still be as it was read. `bucket` is the id of the key whose rate limit counts it. With `without_keys`
    there must be no key at all, because the client showed none.
    """

    key: KeyCheck | None = None
    bucket: str | None = None
    rate: Rate | None = None
    without_keys: bool = False


@dataclass(frozen=True)
class Submission:
    """A job that uses no artifacts, what admits it, and its Idempotency-Key with the answer that is kept for it."""

    job: NewJob
    check: AdmissionCheck = AdmissionCheck()
    once: Once | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class Accepted:
    """The job is in the ledger since `at`. The hints of the `stamped` tasks are to be published now."""

    at: datetime
    stamped: tuple[StampedTask, ...] = ()
    limit: RateLimitResult | None = None


@dataclass(frozen=True)
class Repeated:
    """It was admitted, but its Idempotency-Key is taken: no job was inserted."""

    limit: RateLimitResult | None = None


@dataclass(frozen=True)
class NotAdmitted:
    """Its key or the key's rate limit does not admit it. Nothing was written; the ordinary checks say why."""


SubmissionOutcome = Accepted | Repeated | NotAdmitted
