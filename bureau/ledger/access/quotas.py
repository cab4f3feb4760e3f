"""Quotas: what an owner may have at once. Counted when something is added, in its transaction.

Requests under way at the same moment do not see each other: each may pass the last place that is free.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, func, select

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.tables import artifacts, jobs


@dataclass(frozen=True)
class Quota:
    """0: as much as there is room for."""

    open_jobs: int = 0
    stored_bytes: int = 0


class QuotaExceeded(Exception):
    """The owner has `used` of `limit`, and that is all there is."""

    def __init__(self, what: Literal["jobs", "bytes"], limit: int, used: int) -> None:
        super().__init__(f"{used} of {limit} {what}")
        self.what = what
        self.limit = limit
        self.used = used

    def told(self, owner: str) -> str:
        """A sentence for the owner, with the setting's name."""
        if self.what == "jobs":
            return f"{owner} has {self.used} jobs that have not ended; QUOTA_OPEN_JOBS allows {self.limit}."
        return f"{owner} has {self.used} bytes stored; QUOTA_STORED_BYTES allows {self.limit}."


def hold(connection: Connection, owner: str, quota: Quota, *, jobs: int, size: int) -> None:
    """For `jobs` more jobs that bring `size` bytes. Raises `QuotaExceeded`."""
    if quota.open_jobs and jobs:
        _hold("jobs", quota.open_jobs, open_jobs(connection, owner), jobs)
    if quota.stored_bytes:
        _hold("bytes", quota.stored_bytes, stored_bytes(connection, owner), size)


def _hold(what: Literal["jobs", "bytes"], limit: int, used: int, more: int) -> None:
    if used >= limit or used + more > limit:
        raise QuotaExceeded(what, limit, used)


def open_jobs(connection: Connection, owner: str) -> int:
    query = select(func.count()).select_from(jobs).where(jobs.c.owner == owner, jobs.c.state == JobState.OPEN)
    return connection.execute(query).scalar_one()


def stored_bytes(connection: Connection, owner: str) -> int:
    query = select(func.coalesce(func.sum(artifacts.c.size), 0)).where(
        artifacts.c.owner == owner, artifacts.c.deleted_at.is_(None)
    )
    return int(connection.execute(query).scalar_one())
