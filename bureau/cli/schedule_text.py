"""Puts schedules into words: when they run, what they submit, their next times in their own zone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bureau.cli.formatting import UNITS, one_line
from bureau.client.shapes import ScheduleData
from bureau.formatting import count


def when(schedule: ScheduleData) -> str:
    """Formats the times of a schedule: its cron line and time zone, or its interval."""
    if schedule["cron"]:
        return f"{schedule['cron']} {schedule['time_zone']}"
    seconds = schedule["every_seconds"] or 0
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    return f"every {seconds // size} {unit}"


def what(schedule: ScheduleData) -> str:
    """Formats what a schedule submits: `report top-customers to cfo@example.com`."""
    if report := schedule.get("report"):
        return one_line(f"report {report['report']}{_to(report.get('email_to'))}")
    if email := schedule.get("email"):
        subject = email.get("subject") or email.get("template")
        return one_line(f"e-mail “{subject}”{_to(email.get('to'))}")
    if certificates := schedule.get("certificates"):
        rosters = count(len(certificates["files"]), "roster")
        return one_line(f"certificates from {rosters}{_to(certificates.get('email_to'))}")
    tasks = (schedule["job"] or {}).get("tasks", [])
    return one_line(tasks[0]["run"] if len(tasks) == 1 else f"job of {len(tasks)} tasks")


def next_times(schedule: ScheduleData) -> list[str]:
    """Formats the next times in the schedule's own zone, or in UTC if this machine does not know that zone."""
    zone = _zone(schedule["time_zone"])
    clock = "%H:%M" if schedule["cron"] else "%H:%M:%S"  # cron knows whole minutes only
    return [
        datetime.fromisoformat(run).astimezone(zone).strftime(f"%a %d %b %Y {clock} %Z")
        for run in schedule["next_runs"]
    ]


def next_line(schedule: ScheduleData) -> str:
    """Formats when a schedule runs next."""
    if not schedule["enabled"]:
        return f"{schedule['name']} is off."
    times = next_times(schedule)
    return f"{schedule['name']} is on; next {times[0]}." if times else f"{schedule['name']} is on; no time follows."


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _to(addresses: Any) -> str:
    return f" to {', '.join(addresses)}" if addresses else ""
