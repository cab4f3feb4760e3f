"""Defines a submission without files, its admission check, and its outcomes."""

from dataclasses import dataclass
from datetime import datetime

from bureau.ledger.access.idempotency import Answer, Once
from bureau.ledger.access.keys import KeyCheck
from bureau.ledger.access.rate_limits import Rate, RateLimitResult
from bureau.ledger.jobs.submit import NewJob, StampedTask


@dataclass(frozen=True)
class AdmissionCheck:
    """Holds the admission checks of a submission that were not made before its transaction.

    `key` must still be as it was read. `bucket` is the id of the key whose rate limit counts the submission. With
    `without_keys` there must be no key at all, because the client sent none.
    """

    key: KeyCheck | None = None
    bucket: str | None = None
    rate: Rate | None = None
    without_keys: bool = False


@dataclass(frozen=True)
class Submission:
    """Holds a job that uses no artifacts, its admission check, and its Idempotency-Key with the answer to store."""

    job: NewJob
    check: AdmissionCheck = AdmissionCheck()
    once: Once | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class Accepted:
    """Says that the job is in the ledger since `at`. The hints of the `stamped` tasks must be published now."""

    at: datetime
    stamped: tuple[StampedTask, ...] = ()
    limit: RateLimitResult | None = None


@dataclass(frozen=True)
class Repeated:
    """Says that the submission was admitted, but its Idempotency-Key is taken: no job was inserted."""

    limit: RateLimitResult | None = None


@dataclass(frozen=True)
class IdTaken:
    """Says that the submission was admitted, but a job of any owner has the id that it chose: no job was inserted."""

    limit: RateLimitResult | None = None


@dataclass(frozen=True)
class NotAdmitted:
    """Says that the key or its rate limit refused the submission. Nothing was written; the usual checks say why."""


SubmissionOutcome = Accepted | Repeated | IdTaken | NotAdmitted
