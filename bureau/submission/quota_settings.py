"""Defines the settings of quotas for the processes that add jobs: the gateway on request, the scheduler by time."""

from pydantic import Field

from bureau.ledger.access.quotas import Quota
from bureau.settings import Settings


class QuotaSettings(Settings):
    """Limits what an owner with keys may have at once. Give the same values to the gateway and the scheduler."""

    quota_open_jobs: int = Field(
        default=100_000,
        ge=0,
        description="The maximum number of jobs that have not ended, for an owner with keys; 0 means no limit.",
    )
    quota_stored_bytes: int = Field(
        default=0,
        ge=0,
        description="The maximum size of all files of an owner with keys; 0 means no limit but the storage.",
    )

    @property
    def quota(self) -> Quota:
        return Quota(open_jobs=self.quota_open_jobs, stored_bytes=self.quota_stored_bytes)
