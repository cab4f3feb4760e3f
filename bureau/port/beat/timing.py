"""Turns the times of beat into those of a schedule: a cron expression or an interval."""

from typing import Any

import libcst as cst

from bureau.port.reading.literals import NotLiteral, value_of
from bureau.port.reading.module import Module
from bureau.port.reading.project import Project

_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
_POSITIONS = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")  # as crontab() takes them
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
_BOTH_DAYS = (
    "crontab() fires where both days match; in a cron expression one of them is enough: write two schedules, or check "
    "the day in the task."
)


class NotTiming(Exception):
    """Says why a schedule of Bureau's has no such times."""


def timing_of(node: cst.BaseExpression, project: Project, module: Module) -> dict[str, Any]:
    """Returns `cron` or `every_seconds`. Raises `NotTiming`, and `NotLiteral` if the time is computed."""
    if not isinstance(node, cst.Call):
        return _interval(value_of(node))
    name = project.meaning(node.func, module) or module.qualified(node.func) or ""
    match name:
        case "celery.schedules.crontab":
            return {"cron": _cron(node)}
        case "datetime.timedelta":
            return _interval(_timedelta(node))
        case "celery.schedules.schedule":
            if len(node.args) != 1:
                raise NotLiteral
            return timing_of(node.args[0].value, project, module)
        case "celery.schedules.solar":
            raise NotTiming("No schedule follows the sun: use cron with fixed times.")
    raise NotLiteral


def _interval(seconds: Any) -> dict[str, Any]:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise NotLiteral
    if seconds < 1 or seconds != int(seconds):
        raise NotTiming("An interval is a whole number of seconds, at least one.")
    return {"every_seconds": int(seconds)}


def _timedelta(call: cst.Call) -> float:
    total = 0.0
    for position, argument in enumerate(call.args):
        name = argument.keyword.value if argument.keyword else ("days", "seconds")[position] if position < 2 else ""
        value = value_of(argument.value)
        if name not in _SECONDS or not isinstance(value, int | float):
            raise NotLiteral
        total += value * _SECONDS[name]
    return total


def _cron(call: cst.Call) -> str:
    given: dict[str, str] = dict.fromkeys(_FIELDS, "*")
    for position, argument in enumerate(call.args):
        if argument.star or (not argument.keyword and position >= len(_POSITIONS)):
            raise NotLiteral
        name = argument.keyword.value if argument.keyword else _POSITIONS[position]
        if name not in given:
            raise NotLiteral  # nowfun, app
        given[name] = _field(value_of(argument.value))
    if given["day_of_month"] != "*" and given["day_of_week"] != "*":
        raise NotTiming(_BOTH_DAYS)
    given["day_of_week"] = _short_days(given["day_of_week"])
    return " ".join(given[name] for name in _FIELDS)


def _field(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return str(value).replace(" ", "")


def _short_days(text: str) -> str:
    """Returns the names of days as cron has them: `monday` is `mon`."""
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
        text = text.lower().replace(day, day[:3])
    return text
