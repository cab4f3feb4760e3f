"""Defines crontab and schedule, as `beat_schedule` uses them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from bureau.celery.exceptions import NotInBureau

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class schedule:  # noqa: N801 - Celery's name, as the next two
    """Runs again and again after a time: a timedelta, or a number of seconds."""

    def __init__(self, run_every: Any = None, relative: bool = False, nowfun: Any = None, app: Any = None) -> None:
        if relative:
            raise NotInBureau(
                "schedule(relative=True): Bureau counts from when the schedule was saved; write a crontab"
            )
        self.run_every = timedelta(seconds=run_every) if isinstance(run_every, int | float) else run_every
        self.relative = relative

    @property
    def seconds(self) -> float:
        return max(self.run_every.total_seconds(), 0.0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, schedule) and other.run_every == self.run_every

    def __hash__(self) -> int:
        return hash(self.run_every)

    def __repr__(self) -> str:
        return f"<freq: {self.run_every}>"


class crontab:  # noqa: N801
    """Runs at the minutes that all five fields match, each a number, a text as in cron, or several numbers."""

    def __init__(
        self,
        minute: Any = "*",
        hour: Any = "*",
        day_of_week: Any = "*",
        day_of_month: Any = "*",
        month_of_year: Any = "*",
        nowfun: Any = None,
        app: Any = None,
        tz: Any = None,
    ) -> None:
        self._orig_minute, self._orig_hour = minute, hour
        self._orig_day_of_week, self._orig_day_of_month = day_of_week, day_of_month
        self._orig_month_of_year = month_of_year
        self.tz = tz

    @property
    def cron(self) -> str:
        """Returns the five fields as Bureau's schedules have them.

        Raises `NotInBureau` for a day of the month and a day of the week: in cron either of them is enough, in Celery
        both must match.
        """
        minute, hour = _field(self._orig_minute, 60), _field(self._orig_hour, 24)
        day, month = _field(self._orig_day_of_month, 32, (), 1), _field(self._orig_month_of_year, 13, _MONTHS, 1)
        weekday = _field(self._orig_day_of_week, 7, _DAYS)
        if day != "*" and weekday != "*":
            raise NotInBureau(
                f"{self!r}: a day of the week and a day of the month: in cron either is enough. Name one, and look at "
                "the other in the task"
            )
        return f"{minute} {hour} {day} {month} {weekday}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, crontab) and repr(other) == repr(self)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        fields = (self._orig_minute, self._orig_hour, self._orig_day_of_month, self._orig_month_of_year)
        return f"<crontab: {' '.join(str(one) for one in (*fields, self._orig_day_of_week))} (m/h/dM/MY/d)>"


class solar:  # noqa: N801
    """Is refused: Bureau does not know where the sun stands."""

    def __init__(self, *_args: Any, **_: Any) -> None:
        raise NotInBureau("solar: Bureau has no schedules by the sun; write a crontab, and look at the sun in the task")


def maybe_schedule(s: Any, relative: bool = False, app: Any = None) -> Any:
    """Returns a number of seconds or a timedelta as a schedule, and a schedule as it is."""
    return schedule(s, relative) if isinstance(s, int | float | timedelta) else s


def _field(given: Any, size: int, names: tuple[str, ...] = (), first: int = 0) -> str:
    """Returns a field of cron. Celery's `*/n` counts from zero, or from one in days and months, as cron's does."""
    if isinstance(given, int):
        return str(given)
    if isinstance(given, str):
        return _plain(given, names, first)
    if isinstance(given, Iterable):
        numbers = sorted({int(one) for one in given})
        return "*" if len(numbers) >= size - first else ",".join(str(one) for one in numbers)
    raise TypeError(
        f"Argument cronspec needs to be of any of the following types: int, str, or an iterable type. {given!r}"
    )


def _plain(text: str, names: tuple[str, ...], first: int) -> str:
    """Returns a text without spaces, and names of days and months as numbers: Celery knows long ones too."""
    parts = []
    for part in text.replace(" ", "").lower().split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        parts.append(f"{_number(begin, names, first)}{dash}{_number(end, names, first)}{slash}{step}")
    return ",".join(parts)


def _number(text: str, names: tuple[str, ...], first: int) -> str:
    return str(names.index(text[:3]) + first) if text[:3] in names else text
