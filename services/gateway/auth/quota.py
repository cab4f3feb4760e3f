"""Enforces an owner's quotas when something is added. Like the rate limit, they apply to requests with a key."""

import time
from collections.abc import Callable
from threading import Lock

from sqlalchemy import Connection

from bureau.contracts.problems import ProblemError
from bureau.ledger.access import quotas
from bureau.ledger.access.quotas import QuotaExceeded
from bureau.ledger.db.database import Database
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.problems import try_again
from bureau.services.gateway.settings import GatewaySettings

_RETRY_SECONDS = 60  # nobody knows when a job ends or a file is deleted


def hold(
    connection: Connection, settings: GatewaySettings, identity: Identity, *, jobs: int = 0, size: int = 0
) -> None:
    """Checks the quotas in the transaction that adds `jobs` and files of `size` bytes. Raises 429 problems."""
    if identity.key_id is None:
        return
    try:
        quotas.hold(connection, identity.owner, settings.quota, jobs=jobs, size=size)
    except QuotaExceeded as exceeded:
        raise _refusal(exceeded, identity.owner) from None


def _refusal(exceeded: QuotaExceeded, owner: str) -> ProblemError:
    message = exceeded.message_for(owner)
    if exceeded.what == "jobs":
        return try_again("too-many-open-jobs", f"{message} Wait, or cancel some jobs.", _RETRY_SECONDS)
    return try_again("too-many-bytes-stored", message, _RETRY_SECONDS)


FRESH_SECONDS = 1.0
SHARE = 20  # a process may use one of this many parts of an owner's free places before it counts again


class OpenJobsQuota:
    """Enforces the quotas for submissions without files, without counting an owner's open jobs for each of them.

    A count takes longer the more jobs there are. So a process counts once a second, and until then admits a twentieth
    of the places that were free: twenty processes at once stay within the quota. Near the limit, every submission is
    counted.
    """

    def __init__(self, db: Database, settings: GatewaySettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._settings = settings
        self._clock = clock
        self._lock = Lock()
        self._left: dict[str, tuple[int, float]] = {}  # remaining places, and until when they are valid

    def hold(self, identity: Identity) -> None:
        """Checks the quotas for one more job. Raises 429 problems, and `LedgerUnavailable`."""
        quota = self._settings.quota
        if identity.key_id is None or not (quota.open_jobs or quota.stored_bytes):
            return
        if quota.stored_bytes:
            with self._db.read() as connection:
                hold(connection, self._settings, identity, jobs=1)
        elif not self._take(identity.owner):
            self._count(identity)

    def _count(self, identity: Identity) -> None:
        limit = self._settings.quota_open_jobs
        with self._db.read() as connection:
            used = quotas.open_jobs(connection, identity.owner)
        if used >= limit:
            raise _refusal(QuotaExceeded("jobs", limit, used), identity.owner)
        with self._lock:
            self._left[identity.owner] = (limit - used) // SHARE, self._clock() + FRESH_SECONDS

    def _take(self, owner: str) -> bool:
        """Returns whether a place was left.

        When the count has expired, only one of the concurrent callers counts again.
        """
        with self._lock:
            left, until = self._left.get(owner, (0, 0.0))
            if left <= 0:
                return False
            if self._clock() >= until:
                self._left[owner] = left, self._clock() + FRESH_SECONDS
                return False
            self._left[owner] = left - 1, until
            return True
