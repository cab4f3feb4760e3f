"""Puts schedules into words: when they run, what they submit, and their next times in their own zone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from bureau.contracts.schedules.cron import MACROS
from bureau.formatting import count
from bureau.services.gateway.api.schedules.schedule_models import Schedule
from bureau.services.gateway.console.text.words import duration


def in_words(schedule: Schedule) -> str:
    """Puts a schedule's times into words: `At 07:00 on Monday through Friday`, `Every 90 s`."""
    if schedule.cron is None:
        return f"Every {_span(schedule.every_seconds or 0)}"
    fields = MACROS.get(schedule.cron.strip().lower(), schedule.cron)
    return str(CronSim(fields, schedule.created_at).explain())


def request_words(schedule: Schedule) -> str:
    """Puts what a schedule submits into words: `report top-customers`, `e-mail “Good morning”`, `shop.suma`."""
    if schedule.report:
        return f"report {schedule.report.get('report')}"
    if schedule.email:
        return f"e-mail “{schedule.email.get('subject') or schedule.email.get('template')}”"
    if schedule.certificates:
        return f"certificates from {count(len(schedule.certificates.get('files', ())), 'roster')}"
    tasks: list[Any] = (schedule.job or {}).get("tasks", [])
    return str(tasks[0].get("run")) if len(tasks) == 1 else f"a job of {count(len(tasks), 'task')}"


def local_times(runs: Iterable[datetime], time_zone: str, *, seconds: bool) -> list[tuple[datetime, str]]:
    """Returns each time with its text in the schedule's zone; `seconds` shows them, for intervals."""
    zone = ZoneInfo(time_zone)
    clock = "%H:%M:%S" if seconds else "%H:%M"
    return [(run, run.astimezone(zone).strftime(f"%a %d %b {clock} %Z")) for run in runs]


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return count(seconds // size, unit)
    return duration(seconds) if seconds < 60 else f"{seconds:,} s"
