"""Limits requests per minute for each key.

They are counted in the ledger, so that all gateway processes count together.
"""

import hashlib
import time
from collections.abc import Callable
from math import ceil
from threading import Lock

from bureau.ledger.access import rate_limits
from bureau.ledger.access.rate_limits import Rate, RateLimitResult
from bureau.ledger.db.database import Database
from bureau.signing.signed_links import Link

POLICY = "requests"


class RateLimiter:
    """Applies the rate limit.

    It remembers refusals until they expire, so that a flood of requests does not become a flood of transactions.
    """

    def __init__(self, db: Database, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self.rate = Rate(per_minute) if per_minute else None
        self._clock = clock
        self._lock = Lock()
        self._refused_until: dict[str, float] = {}

    def may_take(self, key_id: str) -> bool:
        """Returns whether no refusal of this key is remembered."""
        with self._lock:
            return self._refused_until.get(key_id, 0.0) <= self._clock()

    def take(self, key_id: str) -> RateLimitResult | None:
        """Takes a token from the key's bucket and returns the bucket's state; None without a limit."""
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


def link_bucket(link: Link) -> str:
    """Returns the bucket shared by all links to one resource.

    No key's id has a capital letter, so the two never collide.
    """
    return "L" + hashlib.sha256(f"{link.kind}/{link.id}".encode()).hexdigest()[:15]


def headers(standing: RateLimitResult, per_minute: int) -> dict[str, str]:
    """Returns the headers of draft-ietf-httpapi-ratelimit-headers-11: `t` is how long no more than `r` can be used."""
    return {
        "RateLimit-Policy": f'"{POLICY}";q={per_minute};w=60',
        "RateLimit": f'"{POLICY}";r={standing.left};t={wait_seconds(standing)}',
    }


def wait_seconds(standing: RateLimitResult) -> int:
    """Returns the whole seconds until one more request is allowed, as the headers need them."""
    return max(ceil(standing.wait_seconds), 1)
