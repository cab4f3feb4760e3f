"""Tests cron expressions: their ticks, their error messages, and the nights on which clocks change."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from bureau.contracts.schedules.cron import CronInvalid, ZoneUnknown, check_cron, check_zone, ticks

PARIS = "Europe/Paris"


def local(expression: str, zone: str, after: str, count: int) -> list[str]:
    """The first ticks in that zone's time, with its offset, as `03-29 03:00 +0200`."""
    begin = datetime.fromisoformat(after).astimezone(UTC)
    found = islice(ticks(expression, zone, begin), count)
    return [tick.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M %z") for tick in found]


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # the night of 28 to 29 March 2026: 02:00 becomes 03:00
        ("30 2 * * *", "2026-03-28T12:00+01:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("30 2 * * *", "2026-03-29T03:00+02:00", ["03-30 02:30 +0200"]),
        ("0 2 * * *", "2026-03-28T12:00+01:00", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("0 1 * * *", "2026-03-28T12:00+01:00", ["03-29 01:00 +0100", "03-30 01:00 +0200"]),
        ("0 3 * * *", "2026-03-28T12:00+01:00", ["03-29 03:00 +0200", "03-30 03:00 +0200"]),
        ("0,30 2,3 * * *", "2026-03-29T00:00+01:00", ["03-29 03:00 +0200", "03-29 03:30 +0200", "03-30 02:00 +0200"]),
        ("30 * * * *", "2026-03-29T00:45+01:00", ["03-29 01:30 +0100", "03-29 03:30 +0200", "03-29 04:30 +0200"]),
        ("@daily", "2026-03-28T12:00+01:00", ["03-29 00:00 +0100", "03-30 00:00 +0200"]),
        # the night of 24 to 25 October 2026: 03:00 becomes 02:00
        ("30 2 * * *", "2026-10-24T12:00+02:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("30 2 * * *", "2026-10-25T02:30+02:00", ["10-26 02:30 +0100"]),
        ("30 2 * * *", "2026-10-25T02:45+02:00", ["10-26 02:30 +0100"]),
        ("30 2 * * *", "2026-10-25T02:00+01:00", ["10-26 02:30 +0100"]),
        ("30 2 * * *", "2026-10-25T02:15+01:00", ["10-26 02:30 +0100"]),
        ("0 3 * * *", "2026-10-24T12:00+02:00", ["10-25 03:00 +0100", "10-26 03:00 +0100"]),
        ("30 * * * *", "2026-10-25T01:45+02:00", ["10-25 02:30 +0200", "10-25 02:30 +0100", "10-25 03:30 +0100"]),
        ("@daily", "2026-10-24T12:00+02:00", ["10-25 00:00 +0200", "10-26 00:00 +0100"]),
    ],
)
def test_ticks_on_the_nights_on_which_clocks_change_in_paris(expression: str, after: str, expected: list[str]) -> None:
    assert local(expression, PARIS, after, len(expected)) == expected


@pytest.mark.parametrize("minute", range(0, 60, 5))
@pytest.mark.parametrize("offset", ["+02:00", "+01:00"])
def test_ticks_only_move_forward_within_the_doubled_hour(minute: int, offset: str) -> None:
    begin = datetime.fromisoformat(f"2026-10-25T02:{minute:02}{offset}").astimezone(UTC)
    for expression in ("30 2 * * *", "0,15,45 1-4 * * *", "*/10 * * * *", "5 2,3 25 10 *"):
        found = list(islice(ticks(expression, PARIS, begin), 8))
        assert [begin, *found] == sorted({begin, *found})


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("0 0 L * *", "UTC", "2028-02-01T00:00Z", ["02-29 00:00 +0000", "03-31 00:00 +0000"]),
        ("0 9 LW * *", "UTC", "2026-05-01T00:00Z", ["05-29 09:00 +0000", "06-30 09:00 +0000"]),
        ("0 9 * * MON#1", "UTC", "2026-05-01T00:00Z", ["05-04 09:00 +0000", "06-01 09:00 +0000"]),
        ("0 9 * * 5L", "UTC", "2026-05-01T00:00Z", ["05-29 09:00 +0000"]),
        ("0 7 * * mon-fri", PARIS, "2026-05-01T12:00Z", ["05-04 07:00 +0200", "05-05 07:00 +0200"]),
        ("0 0 1 JAN,JUL *", "UTC", "2026-05-01T00:00Z", ["07-01 00:00 +0000", "01-01 00:00 +0000"]),
        ("0 0 29 2 *", "UTC", "2026-05-01T00:00Z", ["02-29 00:00 +0000"]),
        ("@hourly", "Asia/Kathmandu", "2026-05-01T00:00Z", ["05-01 06:00 +0545"]),
        ("@WEEKLY", "UTC", "2026-05-01T00:00Z", ["05-03 00:00 +0000"]),
        (" 0  7 * * * ", "UTC", "2026-05-01T00:00Z", ["05-01 07:00 +0000"]),
    ],
)
def test_names_the_last_day_and_macros_have_their_ticks(
    expression: str, zone: str, after: str, expected: list[str]
) -> None:
    check_cron(expression)
    assert local(expression, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 0 30 2 *", "no date ever matches it, because month 2 has no day 30"),
        ("0 0 31 4,6,9,11 *", "month 4,6,9,11 has no day 31"),
        ("0 0 */31 * MON#5", "no date ever matches it"),
        ("0 7 * *", "it has 4 fields but needs five: minute, hour, day of the month, month, day of the week"),
        ("0 0 7 * * *", "it has 6 fields"),
        ("", "it has 0 fields"),
        ("60 * * * *", "its minute is 60; write 0 to 59"),
        ("0 24 * * *", "its hour is 24; write 0 to 23"),
        ("0 0 0 * *", "its day of the month is 0; write 1 to 31, L (the last day)"),
        ("0 0 * 13 *", "its month is 13; write 1 to 12 or JAN to DEC"),
        ("0 0 * * FRIDAY", "its day of the week is FRIDAY; write 0 to 7 or SUN to SAT"),
        ("*/0 * * * *", "its minute is */0"),
        ("5-1 * * * *", "its minute is 5-1"),
        ("0 0 ? * *", "its day of the month is ?"),
        (f"{'9' * 150} * * * *", "its minute is 999"),
        ("@reboot", "@reboot is not known; write five fields or one of @hourly, @daily"),
    ],
)
def test_an_invalid_expression_is_refused_with_the_field_and_the_allowed_values(expression: str, message: str) -> None:
    with pytest.raises(CronInvalid) as refused:
        check_cron(expression)
    assert message in str(refused.value)


def test_an_unknown_time_zone_is_refused_with_a_similar_name() -> None:
    check_zone("Europe/Paris")
    with pytest.raises(ZoneUnknown, match=r"Europe/Pariss is not a time zone; did you mean Europe/Paris\?"):
        check_zone("Europe/Pariss")
    for name in ("", "../../etc/passwd", "Europe", "+02:00"):
        with pytest.raises(ZoneUnknown):
            check_zone(name)
