"""Holds a request's admission, either decided or left to the transaction of a submission."""

from collections.abc import Callable

from bureau.ledger.access.rate_limits import RateLimitResult
from bureau.ledger.submissions.submission import AdmissionCheck
from bureau.services.gateway.auth.identity import Identity


class Admission:
    """Is the admission of a request whose key and rate limit were checked."""

    # What a transaction must compare with the ledger, until the admission is settled.
    check: AdmissionCheck | None = None

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def settle(self) -> None:
        """Makes sure that the request is admitted. Raises 401, 403 and 429 problems."""

    def confirmed(self, limit: RateLimitResult | None) -> None:
        """Records that a transaction has done the comparison; `limit` is the state of the key's rate limit."""


class LateAdmission(Admission):
    """Is the admission that this process expects for a request, from what it read from the ledger a moment ago.

    No answer is sent before it is settled, either by a transaction that did the comparison, or by the ordinary checks,
    which raise the refusal.
    """

    def __init__(
        self,
        identity: Identity,
        check: AdmissionCheck,
        *,
        ordinary: Callable[[], None],
        counted: Callable[[RateLimitResult], None],
    ) -> None:
        """Takes the callbacks.

        `ordinary` raises 401, 403 and 429 problems; `counted` receives the state of the key's rate limit.
        """
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
