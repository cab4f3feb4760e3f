"""When a request is repeated, and after how long. Pure: the clock and the dice are the caller's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

BUSY = frozenset({429, 502, 503, 504})  # over by itself, as a rule; 502 and 504 are a proxy's
TWIN = "idempotency-key-busy"  # an earlier try of the same request is still under way

Dice = Callable[[float, float], float]


@dataclass(frozen=True)
class Patience:
    """For how long a request is repeated before it is given up, and how fast at first."""

    seconds: float = 60.0
    base_seconds: float = 0.5
    cap_seconds: float = 10.0

    def pause(self, failures: int, waited: float, asked: float | None, dice: Dice) -> float | None:
        """Seconds until the next try, full jitter over an exponential; None where patience would be over by then.

        `failures` counts from 1, `waited` is since the first of them, `asked` what Retry-After says: the least.
        """
        longest = min(self.cap_seconds, self.base_seconds * 2 ** min(failures - 1, 30))
        wait = (asked or 0.0) + dice(0.0, longest)
        return wait if waited + wait <= self.seconds else None


def is_passing(status: int, slug: str) -> bool:
    """Whether the same request may be answered otherwise in a while."""
    return status in BUSY or (status == 409 and slug == TWIN)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Of a Retry-After header (RFC 9110, 10.2.3): seconds, or a date."""
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
