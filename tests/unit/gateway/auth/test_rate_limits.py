"""Requests a minute: headers, and refusals that are remembered."""

import pytest

from bureau.ledger.access import rate_limits
from bureau.ledger.access.rate_limits import Rate, RateLimitResult
from bureau.ledger.db.database import Database
from bureau.services.gateway.auth.rate_limiter import RateLimiter, headers, wait_seconds

DB = Database("sqlite:///never-opened.db")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("standing", "limit", "seconds"),
    [
        (RateLimitResult(True, 1199, 0.05), '"requests";r=1199;t=1', 1),
        (RateLimitResult(True, 0, 1.0), '"requests";r=0;t=1', 1),
        (RateLimitResult(False, 0, 2.01), '"requests";r=0;t=3', 3),
        (RateLimitResult(False, 0, 0.0), '"requests";r=0;t=1', 1),
    ],
)
def test_the_headers_tell_what_is_left_and_for_how_long(standing: RateLimitResult, limit: str, seconds: int) -> None:
    assert headers(standing, 1200) == {"RateLimit-Policy": '"requests";q=1200;w=60', "RateLimit": limit}
    assert wait_seconds(standing) == seconds  # Retry-After is never before `t` is over


def test_a_refusal_is_remembered_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refuse(_: Database, key_id: str, rate: Rate) -> RateLimitResult:
        asked.append(key_id)
        return RateLimitResult(False, 0, 2.0) if key_id == "busy" else RateLimitResult(True, 5, 0.5)

    monkeypatch.setattr(rate_limits, "take", refuse)
    clock = Clock()
    limiter = RateLimiter(DB, 30, clock)
    assert limiter.take("busy") == RateLimitResult(False, 0, 2.0)
    clock.now += 0.5
    assert limiter.take("busy") == RateLimitResult(False, 0, 1.5)
    assert limiter.take("calm") == RateLimitResult(True, 5, 0.5)
    assert asked == ["busy", "calm"]
    clock.now += 1.6
    limiter.take("busy")
    assert asked == ["busy", "calm", "busy"]


def test_zero_is_no_limit() -> None:
    assert RateLimiter(DB, 0).take("any") is None
