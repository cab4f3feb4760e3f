"""Decides when a schedule's jobs run, and what happens to missed ticks (misfires). Pure; the caller brings the time."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice, takewhile

from bureau.contracts.schedules import cron
from bureau.contracts.schedules.schedules import Misfire

PUNCTUAL = timedelta(seconds=60)  # a tick that is at most this late is on time: a scheduler was restarting
BATCH = 100  # ticks in one pass; the next pass takes more
_LOOK_BACK = tuple(timedelta(days=days) for days in (1 / 24, 1, 32, 370, 3700, 18_500))  # the last: fifty years


@dataclass(frozen=True)
class Timing:
    """The validated times of a schedule: `cron` in a time zone, or an interval in seconds; one of the two is None."""

    cron: str | None
    every_seconds: int | None
    time_zone: str


@dataclass(frozen=True)
class TickPlan:
    """The ticks that get a job now, and the next tick, or None where none follows."""

    fire: tuple[datetime, ...]
    next_at: datetime | None


def first(timing: Timing, now: datetime) -> datetime | None:
    """Returns the first tick of a schedule that begins now."""
    now = now.replace(microsecond=0)
    return next(after(timing, now, now), None)


def after(timing: Timing, tick: datetime, moment: datetime) -> Iterator[datetime]:
    """Yields the ticks after `moment`. `tick` is any tick: `every_seconds` counts from it in both directions."""
    if timing.cron is not None:
        yield from cron.ticks(timing.cron, timing.time_zone, moment)
    else:
        every = _every(timing)
        passed = (moment - tick) // every
        yield from (tick + every * n for n in count(passed + 1))


def plan(timing: Timing, due: datetime, now: datetime, misfire: Misfire) -> TickPlan:
    """Decides about the due tick `due` and the ticks between it and now."""
    if misfire is not Misfire.ALL and due < now - PUNCTUAL:
        return _plan_late(timing, due, now, misfire)
    return _plan_each(timing, due, due, now)


def _plan_late(timing: Timing, due: datetime, now: datetime, misfire: Misfire) -> TickPlan:
    """Decides about missed ticks: only the last may count, and only where none is on time."""
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
    """Returns the last due tick. Looks back in growing steps, so that it never walks years of a frequent schedule."""
    if timing.every_seconds is not None:
        return due + _every(timing) * ((now - due) // _every(timing))
    for reach in _LOOK_BACK:
        last = deque(takewhile(lambda tick: tick <= now, after(timing, due, max(due, now - reach))), maxlen=1)
        if last:
            return last[0]
    return due


def _every(timing: Timing) -> timedelta:
    return timedelta(seconds=timing.every_seconds or 1)
