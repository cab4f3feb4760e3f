"""An owner's quotas, held where something is added. They are for those who come with a key, as the rate limit is."""

from sqlalchemy import Connection

from bureau.contracts.problems import ProblemError
from bureau.ledger import quotas
from bureau.ledger.quotas import Quota, QuotaExceeded
from services.gateway.auth.identity import Identity
from services.gateway.http.problems import try_again
from services.gateway.settings import GatewaySettings

_RETRY_SECONDS = 60  # nobody knows when a job ends or a file is deleted


def hold(connection: Connection, settings: GatewaySettings, who: Identity, *, jobs: int = 0, size: int = 0) -> None:
    """In the transaction that adds `jobs` and files of `size` bytes. Raises 429 problems."""
    if who.key_id is None:
        return
    quota = Quota(open_jobs=settings.quota_open_jobs, stored_bytes=settings.quota_stored_bytes)
    try:
        quotas.hold(connection, who.owner, quota, jobs=jobs, size=size)
    except QuotaExceeded as exceeded:
        raise _refusal(exceeded, who.owner) from None


def _refusal(exceeded: QuotaExceeded, owner: str) -> ProblemError:
    limit, used = exceeded.limit, exceeded.used
    if exceeded.what == "jobs":
        detail = f"{owner} has {used} jobs that have not ended; QUOTA_OPEN_JOBS allows {limit}. Wait, or cancel some."
        return try_again("too-many-open-jobs", detail, _RETRY_SECONDS)
    detail = f"{owner} has {used} bytes stored; QUOTA_STORED_BYTES allows {limit}."
    return try_again("too-many-bytes-stored", detail, _RETRY_SECONDS)
