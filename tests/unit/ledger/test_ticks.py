"""Which ticks get a job: on time, late, after a long absence."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.schedules.ticks import BATCH, PUNCTUAL, Timing, after, first, plan

HOURLY = Timing(None, 3600, "UTC")
BY_CRON = Timing("0 * * * *", None, "UTC")
EVERY_MINUTE = Timing("* * * * *", None, "UTC")
YEARLY = Timing("0 0 1 1 *", None, "UTC")
SECONDS = Timing(None, 1, "UTC")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def at(hours: float = 0, seconds: float = 0) -> datetime:
    return NOON + timedelta(hours=hours, seconds=seconds)


def test_the_first_tick_by_seconds_is_one_interval_ahead() -> None:
    assert first(HOURLY, at(seconds=7.9)) == at(hours=1, seconds=7)


def test_the_first_tick_by_cron_is_the_next_on_the_clock() -> None:
    assert first(BY_CRON, at(seconds=7)) == at(hours=1)
    assert first(BY_CRON, at()) == at(hours=1)


@pytest.mark.parametrize("timing", [HOURLY, BY_CRON])
@pytest.mark.parametrize("misfire", list(Misfire))
def test_a_tick_on_time_gets_its_job(timing: Timing, misfire: Misfire) -> None:
    for late in (0.0, 0.4, PUNCTUAL.total_seconds()):
        planned = plan(timing, at(), at(seconds=late), misfire)
        assert (planned.fire, planned.next_at) == ((at(),), at(hours=1))


@pytest.mark.parametrize("timing", [HOURLY, BY_CRON])
@pytest.mark.parametrize(("misfire", "fired"), [(Misfire.SKIP, []), (Misfire.ONCE, [3]), (Misfire.ALL, [0, 1, 2, 3])])
def test_ticks_that_were_missed_go_by_the_policy(timing: Timing, misfire: Misfire, fired: list[int]) -> None:
    planned = plan(timing, at(), at(hours=3, seconds=600), misfire)
    assert planned.fire == tuple(at(hours=hour) for hour in fired)
    assert planned.next_at == at(hours=4)


@pytest.mark.parametrize("misfire", [Misfire.SKIP, Misfire.ONCE])
def test_one_on_time_is_enough_after_missed_ones(misfire: Misfire) -> None:
    planned = plan(HOURLY, at(), at(hours=3, seconds=30), misfire)
    assert (planned.fire, planned.next_at) == ((at(hours=3),), at(hours=4))


def test_every_tick_of_a_frequent_schedule_that_is_on_time_gets_its_job() -> None:
    planned = plan(SECONDS, at(), at(seconds=3), Misfire.SKIP)
    assert planned.fire == tuple(at(seconds=second) for second in range(4))
    late = plan(SECONDS, at(), at(seconds=500), Misfire.SKIP)
    assert late.fire == tuple(at(seconds=second) for second in range(441, 501))
    assert late.next_at == at(seconds=501)


def test_all_that_were_missed_come_in_batches() -> None:
    due, now = at(), at(hours=5)
    fired: list[datetime] = []
    while due <= now:
        planned = plan(EVERY_MINUTE, due, now, Misfire.ALL)
        assert len(planned.fire) <= BATCH
        fired += planned.fire
        assert planned.next_at is not None
        due = planned.next_at
    assert fired == [at(seconds=60 * minute) for minute in range(301)]


@pytest.mark.parametrize(
    ("timing", "due", "now", "last"),
    [
        (EVERY_MINUTE, NOON - timedelta(days=700), at(seconds=59.0), None),
        (Timing("0 3 * * *", None, "Europe/Paris"), NOON - timedelta(days=700), NOON, datetime(2026, 5, 4, 1)),
        (Timing("0 0 1 * *", None, "UTC"), NOON - timedelta(days=703), NOON, datetime(2026, 5, 1)),
        (YEARLY, datetime(2020, 1, 1, tzinfo=UTC), NOON, datetime(2026, 1, 1)),
        (YEARLY, datetime(2026, 1, 1, tzinfo=UTC), NOON, datetime(2026, 1, 1)),
        (Timing("0 0 29 2 MON", None, "UTC"), datetime(2021, 2, 1, tzinfo=UTC), NOON, datetime(2026, 2, 23)),
        (Timing("0 0 29 2 *", None, "UTC"), datetime(2016, 2, 29, tzinfo=UTC), NOON, datetime(2024, 2, 29)),
        (Timing(None, 86_400 * 7, "UTC"), NOON - timedelta(days=100), NOON, None),
    ],
)
def test_the_last_of_many_missed_is_found_at_once(
    timing: Timing, due: datetime, now: datetime, last: datetime | None
) -> None:
    planned = plan(timing, due, now, Misfire.ONCE)
    assert len(planned.fire) == 1
    (fired,) = planned.fire
    if last is not None:
        assert fired == last.replace(tzinfo=UTC)
    assert due <= fired <= now
    assert planned.next_at == next(after(timing, due, fired))
    assert planned.next_at > now


def test_a_schedule_whose_last_tick_was_in_the_autumn_night_is_not_told_it_twice() -> None:
    nightly = Timing("30 2 * * *", None, "Europe/Paris")
    fired = datetime.fromisoformat("2026-10-25T02:30+02:00")
    planned = plan(nightly, fired, fired + timedelta(seconds=1), Misfire.ALL)
    assert planned.fire == (fired,)
    assert planned.next_at == datetime.fromisoformat("2026-10-26T02:30+01:00")
    assert plan(nightly, fired, fired + timedelta(hours=3), Misfire.ONCE).fire == (fired,)


def test_intervals_do_not_notice_that_clocks_change() -> None:
    begin = datetime.fromisoformat("2026-10-25T01:30+02:00")
    found = list(islice(after(HOURLY, begin, begin), 3))
    assert [tick - begin for tick in found] == [timedelta(hours=hour) for hour in (1, 2, 3)]


def test_a_time_that_never_comes_again_ends_the_schedule() -> None:
    assert first(Timing("0 0 30 4 MON#5", None, "UTC"), NOON) is not None  # a Monday or the 30th
    assert first(Timing("0 0 */31 * MON#5", None, "UTC"), NOON) is None
