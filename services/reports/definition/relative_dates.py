"""Parses relative dates, the defaults of parameters: `today`, `first day of last month`, `7 days ago`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

WORDS = "today, yesterday, tomorrow, 7 days ago, first day of last month, last day of this year"

_AGO = re.compile(r"(\d{1,4}) (day|week|month|year)s? ago", re.ASCII)
_EDGE = re.compile(r"(first|last) day of (this|last|next) (week|month|quarter|year)", re.ASCII)
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_STEPS = {"last": -1, "this": 0, "next": 1}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Relative:
    """Describes a day relative to the day of the run. `now` is the time of the run, for parameters that are times."""

    text: str
    on: Callable[[date], date]

    @property
    def is_now(self) -> bool:
        return self.text == "now"


def parse_relative(text: str) -> Relative | None:
    """Parses a relative date; None if `text` is not one. Case and additional blanks do not matter."""
    normalised = " ".join(text.lower().split())
    if normalised == "now":
        return Relative(normalised, lambda today: today)
    if normalised in _DAYS:
        return Relative(normalised, lambda today: today + timedelta(days=_DAYS[normalised]))
    if ago := _AGO.fullmatch(normalised):
        count, unit = int(ago[1]), ago[2]
        return Relative(normalised, lambda today: _days_ago(today, count, unit))
    if edge := _EDGE.fullmatch(normalised):
        first, step, unit = edge[1] == "first", _STEPS[edge[2]], edge[3]
        return Relative(normalised, lambda today: _edge(today, first, step, unit))
    return None


def _days_ago(today: date, count: int, unit: str) -> date:
    """Returns the day so many units before `today`.

    In a month without that day it is the last day. The earliest result is the first day of year 1.
    """
    try:
        if unit in ("day", "week"):
            return today - timedelta(days=count * (7 if unit == "week" else 1))
        first = _month(today, -count * _MONTHS[unit])
        return min(_month(first, 1) - timedelta(days=1), first + timedelta(days=today.day - 1))
    except (OverflowError, ValueError):
        return date.min


def _edge(today: date, first: bool, step: int, unit: str) -> date:
    """Returns the first or last day of a week, month, quarter or year. Weeks begin on Monday (ISO 8601)."""
    if unit == "week":
        begin = today + timedelta(days=7 * step - today.weekday())
        return begin if first else begin + timedelta(days=6)
    months = _MONTHS[unit]
    begin = _month(today.replace(month=(today.month - 1) // months * months + 1), step * months)
    return begin if first else _month(begin, months) - timedelta(days=1)


def _month(day: date, months: int) -> date:
    """Returns the first day of the month that is `months` after that of `day`."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
