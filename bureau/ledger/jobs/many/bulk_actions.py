"""Cancels or retries many jobs selected by a filter: counts them first, then changes one job a transaction.

A process that dies in the middle has changed some of the jobs; the same request then counts the rest.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import jobs
from bureau.ledger.jobs import cancel
from bureau.ledger.jobs.cancel import Cancelling
from bureau.ledger.jobs.many.job_filter import JobFilter, conditions
from bureau.ledger.jobs.retry_job import Retrying, retry

PAGE = 500


class BulkAct(StrEnum):
    """Names the action, which also decides in which states a job must be."""

    CANCEL = "cancel"
    RETRY = "retry"


_APPLIES_TO = {
    BulkAct.CANCEL: (JobState.OPEN,),
    BulkAct.RETRY: (JobState.FAILED, JobState.CANCELLED),
}


@dataclass(frozen=True)
class BulkCount:
    """Counts the jobs that the action applies to, and the failed ones among them by error code."""

    count: int
    by_error: dict[str, int]


def count(db: Database, owner: str, what: BulkAct, wanted: JobFilter) -> BulkCount:
    """Counts the owner's jobs that match the filter and are in a state that the action applies to."""
    code = jobs.c.error["code"].as_string()
    query = select(code, func.count()).where(*_matching(owner, what, wanted)).group_by(code)
    with db.read() as connection:
        counted = Counter({row[0]: row[1] for row in connection.execute(query)})
    return BulkCount(counted.total(), {code: n for code, n in counted.most_common() if code})


def apply(
    db: Database, owner: str, what: BulkAct, wanted: JobFilter, *, at_most: int, per_second: float | None = None
) -> int:
    """Applies the action, oldest jobs first, and returns how many changed. `per_second` spreads retries over time.

    It changes `at_most` as many as were counted, because more may match meanwhile.
    """
    changed = 0
    last: UUID | None = None
    while page := _page(db, owner, what, wanted, after=last):
        for job_id in page:
            if changed >= at_most:
                return changed
            changed += _one(db, owner, what, job_id, changed / per_second if per_second else 0.0)
        last = page[-1]
    return changed


def _page(db: Database, owner: str, what: BulkAct, wanted: JobFilter, *, after: UUID | None) -> list[UUID]:
    query = select(jobs.c.id).where(*_matching(owner, what, wanted)).order_by(jobs.c.id).limit(PAGE)
    if after is not None:
        query = query.where(jobs.c.id > after)  # ids grow with time
    with db.read() as connection:
        return list(connection.execute(query).scalars())


def _one(db: Database, owner: str, what: BulkAct, job_id: UUID, delay_seconds: float) -> bool:
    if what is BulkAct.CANCEL:
        return cancel.cancel(db, job_id, owner) is Cancelling.CANCELLED
    return retry(db, job_id, owner, delay_seconds=delay_seconds) is Retrying.RETRIED


def _matching(owner: str, what: BulkAct, wanted: JobFilter) -> list[ColumnElement[bool]]:
    stopping = (
        [jobs.c.cancel_requested_at.is_(None)] if what is BulkAct.CANCEL else []
    )  # the others are cancelled already
    return [jobs.c.owner == owner, jobs.c.state.in_(_APPLIES_TO[what]), *stopping, *conditions(wanted)]
