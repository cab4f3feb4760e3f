"""When a schedule's jobs come, decided purely: its times, and what is done about those that passed. No clock here."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice, takewhile

from bureau.contracts.schedules import cron
from bureau.contracts.schedules.schedules import Misfire

PUNCTUAL = timedelta(seconds=60)  # a tick that is not later than this is on time: a scheduler was being restarted
BATCH = 100  # ticks at once; more that are due come with the next look
_LOOK_BACK = tuple(timedelta(days=days) for days in (1 / 24, 1, 32, 370, 3700, 18_500))  # the last: fifty years


@dataclass(frozen=True)
class Timing:
    """`cron` in a time zone, or every so many seconds; one of the two is None. It was checked."""

    cron: str | None
    every_seconds: int | None
    time_zone: str


@dataclass(frozen=True)
class TickPlan:
    """The ticks that get a job now, and the next one to look at; None: none comes any more."""

    fire: tuple[datetime, ...]
    next_at: datetime | None


def first(timing: Timing, now: datetime) -> datetime | None:
    """The first tick of a schedule that begins now."""
    now = now.replace(microsecond=0)
    return next(after(timing, now, now), None)


def after(timing: Timing, tick: datetime, moment: datetime) -> Iterator[datetime]:
    """The ticks after `moment`. `tick` is one of them: `every_seconds` counts from it, back and forth."""
    if timing.cron is not None:
        yield from cron.ticks(timing.cron, timing.time_zone, moment)
    else:
        every = _every(timing)
        passed = (moment - tick) // every
        yield from (tick + every * n for n in count(passed + 1))


def plan(timing: Timing, due: datetime, now: datetime, misfire: Misfire) -> TickPlan:
    """What to do about the tick `due`, which has come, and those between it and now."""
    if misfire is not Misfire.ALL and due < now - PUNCTUAL:
        return _plan_late(timing, due, now, misfire)
    return _plan_each(timing, due, due, now)


def _plan_late(timing: Timing, due: datetime, now: datetime, misfire: Misfire) -> TickPlan:
    """Some ticks were missed: of those only the last may count, and only where none is on time."""
    coming = next(after(timing, due, now - PUNCTUAL), None)
    if coming is not None and coming <= now:
        return _plan_each(timing, due, coming, now)
    fire = (_latest(timing, due, now),) if misfire is Misfire.ONCE else ()
    return TickPlan(fire, coming)


def _plan_each(timing: Timing, tick: datetime, begin: datetime, now: datetime) -> TickPlan:
    rest = after(timing, tick, begin)
    fire = [begin, *islice(takewhile(lambda later: later <= now, rest), BATCH - 1)]
    return TickPlan(tuple(fire), next(after(timing, tick, fire[-1]), None))


def _latest(timing: Timing, due: datetime, now: datetime) -> datetime:
    """The last tick that has come. Looks back further and further, so that no frequent schedule is walked for years."""
    if timing.every_seconds is not None:
        return due + _every(timing) * ((now - due) // _every(timing))
    for reach in _LOOK_BACK:
        last = deque(takewhile(lambda tick: tick <= now, after(timing, due, max(due, now - reach))), maxlen=1)
        if last:
            return last[0]
    return due


def _every(timing: Timing) -> timedelta:
    return timedelta(seconds=timing.every_seconds or 1)
