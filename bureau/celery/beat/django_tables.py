"""Reads the schedules that django-celery-beat keeps in a project's database. Its app need not be installed any more."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from bureau.celery.schedules import crontab

_TABLE = "django_celery_beat_periodictask"
_SQL = f"""
    SELECT t.name, t.task, t.args, t.kwargs, t.queue, t.enabled, t.one_off, t.priority, t.expire_seconds,
           i.every, i.period, c.minute, c.hour, c.day_of_week, c.day_of_month, c.month_of_year, c.timezone,
           t.solar_id, t.clocked_id
    FROM {_TABLE} t
    LEFT JOIN django_celery_beat_intervalschedule i ON i.id = t.interval_id
    LEFT JOIN django_celery_beat_crontabschedule c ON c.id = t.crontab_id
    ORDER BY t.name
"""  # noqa: S608 - the name is written above
_OWN = "celery.backend_cleanup"  # of django-celery-beat; Bureau's retention does what it is for


def entries(connection: Any) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yields name, entry and whether it is enabled, of each row; a schedule that Bureau lacks is named in the entry."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        if row["task"] != _OWN:
            yield row["name"], entry_of(row), bool(row["enabled"])


def entry_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a row as an entry of `beat_schedule`."""
    options = {"queue": row["queue"], "priority": row["priority"], "expires": row["expire_seconds"]}
    return {
        "task": row["task"],
        "args": json.loads(row["args"] or "[]"),
        "kwargs": json.loads(row["kwargs"] or "{}"),
        "options": {name: value for name, value in options.items() if value is not None},
        "schedule": _schedule(row),
    }


def _schedule(row: Mapping[str, Any]) -> Any:
    if row["one_off"] or row["clocked_id"]:
        return "once, at a time; submit the task with eta=…"
    if row["solar_id"]:
        return "by the sun"
    if row["every"] is not None:
        return timedelta(**{row["period"]: row["every"]})
    return crontab(
        minute=row["minute"],
        hour=row["hour"],
        day_of_week=row["day_of_week"],
        day_of_month=row["day_of_month"],
        month_of_year=row["month_of_year"],
        tz=row["timezone"] or None,
    )
