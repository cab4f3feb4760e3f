"""Enforces quotas, which limit what an owner may have at once. An addition counts in its own transaction.

Concurrent requests do not see each other, so each of them may take the last free place.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, func, select

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.tables import artifacts, jobs


@dataclass(frozen=True)
class Quota:
    """Holds the limits of an owner; 0 means no limit but the available space."""

    open_jobs: int = 0
    stored_bytes: int = 0


class QuotaExceeded(Exception):
    """Says that the owner has `used` of `limit`, and that the addition would exceed the limit."""

    def __init__(self, what: Literal["jobs", "bytes"], limit: int, used: int) -> None:
        super().__init__(f"{used} of {limit} {what}")
        self.what = what
        self.limit = limit
        self.used = used

    def message_for(self, owner: str) -> str:
        """Returns a sentence for the owner that names the setting."""
        if self.what == "jobs":
            return f"{owner} has {self.used} jobs that have not ended; QUOTA_OPEN_JOBS allows {self.limit}."
        return f"{owner} has {self.used} bytes stored; QUOTA_STORED_BYTES allows {self.limit}."


def hold(connection: Connection, owner: str, quota: Quota, *, jobs: int, size: int) -> None:
    """Checks whether the quota allows `jobs` more jobs with `size` bytes. Raises `QuotaExceeded`."""
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
