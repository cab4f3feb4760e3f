"""Tests when the client retries a request, and after how long."""

from datetime import UTC, datetime

import pytest

from bureau.client.retrying import Patience, is_transient, retry_after_seconds

NOW = datetime(2026, 5, 4, 7, 0, 0, tzinfo=UTC)


def most(_low: float, high: float) -> float:
    return high


@pytest.mark.parametrize(
    ("failures", "waited", "retry_after", "pause"),
    [
        (1, 0.0, None, 0.5),
        (2, 0.5, None, 1.0),
        (4, 3.5, None, 4.0),
        (9, 20.0, None, 10.0),  # the cap
        (1_000_000, 20.0, None, 10.0),
        (1, 0.0, 3.0, 3.5),  # Retry-After is the least
        (1, 0.0, 0.0, 0.5),
        (3, 59.0, None, None),  # later than the patience allows
        (1, 0.0, 61.0, None),  # longer than the whole patience
    ],
)
def test_the_backoff_grows_to_its_cap_until_the_patience_is_used_up(
    failures: int, waited: float, retry_after: float | None, pause: float | None
) -> None:
    assert Patience().pause(failures, waited, retry_after, most) == pause


@pytest.mark.parametrize(
    ("status", "slug", "transient"),
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
def test_transient_errors_are_retried_and_refusals_are_not(status: int, slug: str, transient: bool) -> None:
    assert is_transient(status, slug) is transient


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
def test_retry_after_holds_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds
