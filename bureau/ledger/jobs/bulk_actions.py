"""Cancel and retry of many jobs by filter: counted first, then done job by job, each in a transaction of its own.

A process that dies in the middle has done some of them; the same request counts what is left.
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
from bureau.ledger.jobs.job_filter import JobFilter, conditions
from bureau.ledger.jobs.retry import Retrying, retry

PAGE = 500


class BulkAct(StrEnum):
    """What is done to the jobs, and so which of them it can be done to."""

    CANCEL = "cancel"
    RETRY = "retry"


_APPLIES_TO = {
    BulkAct.CANCEL: (JobState.OPEN,),
    BulkAct.RETRY: (JobState.FAILED, JobState.CANCELLED),
}


@dataclass(frozen=True)
class Counted:
    """Jobs the act applies to, and of failed ones how many by error code."""

    count: int
    by_error: dict[str, int]


def count(db: Database, owner: str, what: BulkAct, wanted: JobFilter) -> Counted:
    """How many jobs of the owner match the filter and can be acted on."""
    code = jobs.c.error["code"].as_string()
    query = select(code, func.count()).where(*_matching(owner, what, wanted)).group_by(code)
    with db.read() as connection:
        counted = Counter({row[0]: row[1] for row in connection.execute(query)})
    return Counted(counted.total(), {code: n for code, n in counted.most_common() if code})


def apply(db: Database, owner: str, what: BulkAct, wanted: JobFilter, *, per_second: float | None = None) -> int:
    """Does it, the oldest first; how many were changed. `per_second` spreads what is retried over time."""
    changed = 0
    last: UUID | None = None
    while page := _page(db, owner, what, wanted, after=last):
        for job_id in page:
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
    return [jobs.c.owner == owner, jobs.c.state.in_(_APPLIES_TO[what]), *conditions(wanted)]
