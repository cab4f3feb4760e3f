"""Who was admitted, or is about to be: by the transaction of a submission, not before it."""

from collections.abc import Callable

from bureau.ledger.access.rate_limits import RateLimitResult
from bureau.ledger.submissions.submission import AdmissionCheck
from bureau.services.gateway.auth.identity import Identity


class Admission:
    """The admission of a request whose key and rate limit were checked."""

    check: AdmissionCheck | None = None  # what a transaction has to compare with the ledger, until it is settled

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def settle(self) -> None:
        """Makes sure that the request is admitted. Raises 401, 403 and 429 problems."""

    def confirmed(self, limit: RateLimitResult | None) -> None:
        """A transaction has compared; `limit` is where the key's rate limit stands."""


class LateAdmission(Admission):
    """The admission that this process expects of a request, by what it read of the ledger a moment ago.

    No answer leaves before it is settled: by a transaction that compared, or by the ordinary checks, which raise what
    refuses the request.
    """

    def __init__(
        self,
        identity: Identity,
        check: AdmissionCheck,
        *,
        ordinary: Callable[[], None],
        counted: Callable[[RateLimitResult], None],
    ) -> None:
        """`ordinary` raises 401, 403 and 429 problems; `counted` hears where the key's rate limit stands."""
        super().__init__(identity)
        self.check = check
        self._ordinary = ordinary
        self._counted = counted

    def settle(self) -> None:
        if self.check is not None:
            self.check = None
            self._ordinary()

    def confirmed(self, limit: RateLimitResult | None) -> None:
        self.check = None
        if limit is not None:
            self._counted(limit)
