"""Ticks agree with a plain model of cron around every clock change of every zone of tzdata, in 2026 and 2027."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest

from bureau.contracts.schedules.cron import ticks

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)


def offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


@cache
def days_of_change() -> dict[tuple[datetime, timedelta, timedelta], str]:
    """The days on which clocks change, with both offsets and one of the zones in which they do."""
    days = [FIRST + DAY * n for n in range((LAST - FIRST).days)]
    found: dict[tuple[datetime, timedelta, timedelta], str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for day, following in pairwise(days):
            before, after = offset(zone, day), offset(zone, following)
            if before != after:
                found.setdefault((day, before, after), name)
    return found


def by_the_wall_clock(
    zone: ZoneInfo, begin: datetime, end: datetime, matches: Callable[[datetime], bool]
) -> Iterator[datetime]:
    """Every minute whose local time matches."""
    moment = begin + MINUTE
    while moment <= end:
        if matches(moment.astimezone(zone)):
            yield moment
        moment += MINUTE


def by_time_of_day(zone: ZoneInfo, begin: datetime, end: datetime, times: list[time]) -> Iterator[datetime]:
    """Each local time once a day: the first of two, and the end of the gap for one that is skipped."""
    day: date = (begin - DAY).date()
    found = set()
    while day <= (end + DAY).date():
        for moment in times:
            local = datetime.combine(day, moment, zone)
            while local.astimezone(UTC).astimezone(zone).replace(fold=0) != local:  # it is in the gap
                local += MINUTE
            found.add(local.astimezone(UTC))
        day += DAY
    yield from sorted(moment for moment in found if begin < moment <= end)


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("0 */2 * * *", lambda local: local.minute == 0 and local.hour % 2 == 0),
        ("30 * * * *", lambda local: local.minute == 30),
        ("*/25 1-3 * * *", lambda local: local.minute % 25 == 0 and 1 <= local.hour <= 3),
    ],
)
def test_an_expression_with_a_star_follows_the_wall_clock(expression: str, matches: Callable[[datetime], bool]) -> None:
    for (day, _, _), name in days_of_change().items():
        begin, end, zone = day - DAY, day + 2 * DAY, ZoneInfo(name)
        found = list(takewhile(lambda tick: tick <= end, ticks(expression, name, begin)))  # noqa: B023 - used at once
        assert found == list(by_the_wall_clock(zone, begin, end, matches)), (name, day)


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("30 2 * * *", [time(2, 30)]),
        ("0,15,45 0-3 * * *", [time(hour, minute) for hour in range(4) for minute in (0, 15, 45)]),
    ],
)
def test_a_time_of_day_comes_once_a_day(expression: str, times: list[time]) -> None:
    for (day, _, _), name in days_of_change().items():
        begin, end, zone = day - DAY, day + 2 * DAY, ZoneInfo(name)
        found = list(takewhile(lambda tick: tick <= end, ticks(expression, name, begin)))  # noqa: B023 - used at once
        assert found == list(by_time_of_day(zone, begin, end, times)), (name, day)
