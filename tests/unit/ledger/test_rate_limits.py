"""A bucket of requests, decided purely."""

import pytest

from bureau.ledger.access.rate_limits import Rate, take_token

RATE = Rate(60, seconds=60)  # one a second
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("full_in", "allowed", "left", "wait", "then_full_in"),
    [
        (None, True, 59, 1.0, 1.0),
        (-3600.0, True, 59, 1.0, 1.0),  # full for an hour: it does not overflow
        (0.0, True, 59, 1.0, 1.0),
        (0.5, True, 58, 0.5, 1.5),
        (58.0, True, 1, 1.0, 59.0),
        (59.0, True, 0, 1.0, 60.0),
        (59.5, False, 0, 0.5, 59.5),
        (60.0, False, 0, 1.0, 60.0),
        (90.0, False, 0, 31.0, 90.0),  # the limit was higher before
    ],
)
def test_a_unit_is_given_while_there_is_a_whole_one(
    full_in: float | None, allowed: bool, left: int, wait: float, then_full_in: float
) -> None:
    standing, full_at = take_token(None if full_in is None else NOW + full_in, NOW, RATE)
    assert (standing.allowed, standing.left) == (allowed, left)
    assert standing.wait_seconds == pytest.approx(wait, abs=1e-3)
    assert full_at - NOW == pytest.approx(then_full_in, abs=1e-5)


@pytest.mark.parametrize("units", [1, 7, 1200, 1_000_000])
def test_a_burst_gets_exactly_what_the_bucket_holds(units: int) -> None:
    full_at, given = None, 0
    for _ in range(min(units + 3, 5_000)):
        standing, full_at = take_token(full_at, NOW, Rate(units))
        given += standing.allowed
    assert given == min(units, 5_000)


def test_a_key_that_asks_at_the_refill_rate_is_never_refused() -> None:
    full_at = None
    for n in range(1_000):
        standing, full_at = take_token(full_at, NOW + n * 0.05, Rate(1200))
        assert standing.allowed
