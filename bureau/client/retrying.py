"""Decides whether and after how long a request is retried. The caller provides the clock and the randomness."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

BUSY = frozenset({429, 502, 503, 504})  # these usually pass by themselves; 502 and 504 come from a proxy
KEY_BUSY = "idempotency-key-busy"  # an earlier try of the same request is still running

RandomUniform = Callable[[float, float], float]


@dataclass(frozen=True)
class Patience:
    """Sets how long a request is retried before it fails, and the backoff between tries."""

    seconds: float = 60.0
    base_seconds: float = 0.5
    cap_seconds: float = 10.0

    def pause(
        self, failures: int, waited: float, retry_after: float | None, random_uniform: RandomUniform
    ) -> float | None:
        """Returns the seconds until the next try, or None if that would be later than `seconds` allows.

        The pause is an exponential backoff with full jitter. `failures` counts from 1; `waited` is the time in seconds
        since the first failure; `retry_after` is the value of Retry-After, the least pause.
        """
        longest = min(self.cap_seconds, self.base_seconds * 2 ** min(failures - 1, 30))
        wait = (retry_after or 0.0) + random_uniform(0.0, longest)
        return wait if waited + wait <= self.seconds else None


@dataclass
class Outage:
    """Counts the failures in a row of something that is tried again, and remembers when the first of them was."""

    failures: int = 0
    since: float = 0.0

    def add(self, now: float, *, progressed: bool = False) -> None:
        """Counts one more failure; it begins to count anew if the last try `progressed` before it failed."""
        if not self.failures or progressed:
            self.failures, self.since = 0, now
        self.failures += 1


def is_transient(status: int, slug: str) -> bool:
    """Tells whether the same request may succeed later."""
    return status in BUSY or (status == 409 and slug == KEY_BUSY)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Parses a Retry-After header (RFC 9110, 10.2.3), which holds seconds or a date; None if it holds neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    # Here, because a date is rare: most answers name seconds.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
