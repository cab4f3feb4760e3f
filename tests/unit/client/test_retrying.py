"""When the client repeats a request, and after how long."""

from datetime import UTC, datetime

import pytest

from bureau.client.retrying import Patience, is_passing, retry_after_seconds

NOW = datetime(2026, 5, 4, 7, 0, 0, tzinfo=UTC)


def most(_low: float, high: float) -> float:
    return high


@pytest.mark.parametrize(
    ("failures", "waited", "asked", "pause"),
    [
        (1, 0.0, None, 0.5),
        (2, 0.5, None, 1.0),
        (4, 3.5, None, 4.0),
        (9, 20.0, None, 10.0),  # the cap
        (1_000_000, 20.0, None, 10.0),
        (1, 0.0, 3.0, 3.5),  # Retry-After is the least
        (1, 0.0, 0.0, 0.5),
        (3, 59.0, None, None),  # over by then
        (1, 0.0, 61.0, None),  # longer than anybody waits here
    ],
)
def test_pauses_grow_to_a_cap_and_end_with_patience(
    failures: int, waited: float, asked: float | None, pause: float | None
) -> None:
    assert Patience().pause(failures, waited, asked, most) == pause


@pytest.mark.parametrize(
    ("status", "slug", "passing"),
    [
        (429, "too-many-requests", True),
        (503, "ledger-unavailable", True),
        (502, "", True),
        (504, "", True),
        (409, "idempotency-key-busy", True),
        (409, "job-ended", False),
        (500, "internal-error", False),
        (404, "not-found", False),
        (401, "key-missing", False),
        (422, "idempotency-key-reused", False),
    ],
)
def test_what_may_pass_is_repeated_and_a_refusal_is_not(status: int, slug: str, passing: bool) -> None:
    assert is_passing(status, slug) is passing


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Mon, 04 May 2026 07:00:09 GMT", 9.0),
        ("Mon, 04 May 2026 06:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds
