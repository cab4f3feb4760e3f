"""An owner's quotas, held where something is added. They are for those who come with a key, as the rate limit is."""

from sqlalchemy import Connection

from bureau.contracts.problems import ProblemError
from bureau.ledger.access import quotas
from bureau.ledger.access.quotas import QuotaExceeded
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.problems import try_again
from bureau.services.gateway.settings import GatewaySettings

_RETRY_SECONDS = 60  # nobody knows when a job ends or a file is deleted


def hold(
    connection: Connection, settings: GatewaySettings, identity: Identity, *, jobs: int = 0, size: int = 0
) -> None:
    """In the transaction that adds `jobs` and files of `size` bytes. Raises 429 problems."""
    if identity.key_id is None:
        return
    try:
        quotas.hold(connection, identity.owner, settings.quota, jobs=jobs, size=size)
    except QuotaExceeded as exceeded:
        raise _refusal(exceeded, identity.owner) from None


def _refusal(exceeded: QuotaExceeded, owner: str) -> ProblemError:
    said = exceeded.told(owner)
    if exceeded.what == "jobs":
        return try_again("too-many-open-jobs", f"{said} Wait, or cancel some.", _RETRY_SECONDS)
    return try_again("too-many-bytes-stored", said, _RETRY_SECONDS)
