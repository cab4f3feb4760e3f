"""Requests a minute, for each key: counted in the ledger, so that all gateway processes count together."""

import time
from collections.abc import Callable
from math import ceil
from threading import Lock

from bureau.ledger.access import rate_limits
from bureau.ledger.access.rate_limits import Rate, RateLimitResult
from bureau.ledger.db.database import Database

POLICY = "requests"


class RateLimiter:
    """Remembers refusals until they are over: a flood of requests does not become a flood of transactions."""

    def __init__(self, db: Database, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self.rate = Rate(per_minute) if per_minute else None
        self._clock = clock
        self._lock = Lock()
        self._refused_until: dict[str, float] = {}

    def may_take(self, key_id: str) -> bool:
        """Whether no refusal of this key is remembered."""
        with self._lock:
            return self._refused_until.get(key_id, 0.0) <= self._clock()

    def take(self, key_id: str) -> RateLimitResult | None:
        """The key's standing after this request; None without a limit."""
        if self.rate is None:
            return None
        with self._lock:
            wait = self._refused_until.get(key_id, 0.0) - self._clock()
        if wait > 0:
            return RateLimitResult(False, 0, wait)
        standing = rate_limits.take(self._db, key_id, self.rate)
        with self._lock:
            if standing.allowed:
                self._refused_until.pop(key_id, None)
            else:
                self._refused_until[key_id] = self._clock() + standing.wait_seconds
        return standing


def headers(standing: RateLimitResult, per_minute: int) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers-11 has them: `t` is how long no more than `r` can be used."""
    return {
        "RateLimit-Policy": f'"{POLICY}";q={per_minute};w=60',
        "RateLimit": f'"{POLICY}";r={standing.left};t={wait_seconds(standing)}',
    }


def wait_seconds(standing: RateLimitResult) -> int:
    """Until there is one more; whole seconds, as the headers have them."""
    return max(ceil(standing.wait_seconds), 1)
