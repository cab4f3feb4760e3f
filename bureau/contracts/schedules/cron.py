"""Checks cron expressions and computes their ticks: five fields with names and `L`, or macros such as `@daily`.

When the clocks change it follows Debian's cron. A time of day that is skipped runs right after the clocks were put
forward (02:30 becomes 03:00); a time of day that comes twice runs the first time. An expression with `*` or `*/n` in
the minute or the hour follows the local clock: it runs at every minute whose local time matches.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from bureau.formatting import count

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = (  # the name of each field and its allowed values, in the order of the expression
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, L (the last day) or LW (the last weekday)"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of the week", "0 to 7 or SUN to SAT, MON#1 (the first Monday), 5L (the last Friday)"),
)
_SECOND = timedelta(seconds=1)
_PROBE = timedelta(days=3)  # no zone has changed its clocks twice within less than a week since 1970
_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)


class CronInvalid(ValueError):
    """Says what is wrong with an expression, in words for its author."""


class ZoneUnknown(ValueError):
    """Says that no time zone has this name, and names a similar one."""


def ticks(expression: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Yields the times in UTC after `after`, each once, for fifty years at most.

    `expression` and `zone` must have passed `check_cron` and `check_zone`.
    """
    fields = _five_fields(expression)
    minute, hour = fields.split()[:2]
    if minute.startswith("*") or hour.startswith("*"):
        return _by_wall_clock(fields, ZoneInfo(zone), after)
    return _by_time_of_day(fields, ZoneInfo(zone), after)


def _by_time_of_day(fields: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    last = after
    for local_tick in CronSim(fields, after.astimezone(zone)):
        tick = local_tick.astimezone(UTC)
        if tick > last:  # in the hour that comes twice, cronsim repeats the times of the first one
            last = tick
            yield tick


def _by_wall_clock(fields: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Walks each stretch between two clock changes in local time without a zone.

    With a zone cronsim steps by whole hours of elapsed time, and so loses a tick where clocks move by half an hour.
    """
    stretch = after.replace(microsecond=0) + _SECOND
    while True:
        offset, reached = _offset(zone, stretch), stretch
        for local in CronSim(fields, (stretch + offset - _SECOND).replace(tzinfo=None)):
            tick = local.replace(tzinfo=UTC) - offset
            if change := _first_change(zone, reached, tick):
                stretch = change
                break
            reached = tick
            yield tick
        else:
            return


def _first_change(zone: ZoneInfo, begin: datetime, end: datetime) -> datetime | None:
    """Returns the first second after `begin`, up to `end`, at which the zone's offset differs; None for no such."""
    offset, known = _offset(zone, begin), begin
    while known < end:
        ahead = min(known + _PROBE, end)
        if _offset(zone, ahead) != offset:
            while ahead - known > _SECOND:
                middle = known + timedelta(seconds=(ahead - known) // _SECOND // 2)
                known, ahead = (middle, ahead) if _offset(zone, middle) == offset else (known, middle)
            return ahead
        known = ahead
    return None


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def check_cron(expression: str) -> None:
    """Checks a cron expression. Raises `CronInvalid`."""
    text = _five_fields(expression)
    fields = text.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, _ in _FIELDS)
        raise CronInvalid(f"it has {count(len(fields), 'field')} but needs five: {names}")
    for position, (name, allowed) in enumerate(_FIELDS):
        alone = ["*"] * len(_FIELDS)
        alone[position] = fields[position]
        if not _is_valid(" ".join(alone)):
            raise CronInvalid(
                f"its {name} is {fields[position]}; write {allowed}, or *, lists 1,3, ranges 1-5, steps */2"
            )
    if not _is_valid(text) or next(ticks(expression, "UTC", _ANY_DAY), None) is None:
        raise CronInvalid(f"no date ever matches it, because month {fields[3]} has no day {fields[2]}")


def check_zone(name: str) -> None:
    """Checks the name of a time zone. Raises `ZoneUnknown`."""
    if name not in zone_names():
        close = get_close_matches(name, zone_names(), n=1)
        raise ZoneUnknown(
            f"{name[:100]} is not a time zone{f'; did you mean {close[0]}?' if close else '.'} "
            "Use an IANA name such as Europe/Paris or UTC"
        )


def _five_fields(expression: str) -> str:
    text = expression.strip()
    if not text.startswith("@"):
        return text
    if text.lower() not in MACROS:
        raise CronInvalid(f"{text} is not known; write five fields or one of {', '.join(MACROS)}")
    return MACROS[text.lower()]


def _is_valid(text: str) -> bool:
    try:
        CronSim(text, _ANY_DAY)
    except CronSimError:
        return False
    return True


@cache
def zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
