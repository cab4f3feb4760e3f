"""Tests how Celery's schedules become Bureau's."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from bureau.celery.beat import django_tables
from bureau.celery.beat.entries import body_of, name_of, timing
from bureau.celery.exceptions import NotInBureau
from bureau.celery.schedules import crontab, schedule
from bureau.contracts.schedules.cron import check_cron

TABLES = """
    CREATE TABLE django_celery_beat_intervalschedule (id INTEGER, every INTEGER, period TEXT);
    CREATE TABLE django_celery_beat_crontabschedule (
      id INTEGER, minute TEXT, hour TEXT, day_of_week TEXT, day_of_month TEXT, month_of_year TEXT, timezone TEXT);
    CREATE TABLE django_celery_beat_periodictask (
      name TEXT, task TEXT, args TEXT, kwargs TEXT, queue TEXT, enabled INTEGER, one_off INTEGER, priority INTEGER,
      expire_seconds INTEGER, interval_id INTEGER, crontab_id INTEGER, solar_id INTEGER, clocked_id INTEGER);
    INSERT INTO django_celery_beat_intervalschedule VALUES (1, 2, 'hours');
    INSERT INTO django_celery_beat_crontabschedule VALUES (1, '30', '4', '1', '*', '*', 'Europe/Madrid');
    INSERT INTO django_celery_beat_periodictask VALUES
      ('a report', 'shop.report', '[1]', '{"b": 2}', 'slow', 1, 0, 7, 60, NULL, 1, NULL, NULL),
      ('a look', 'shop.look', '[]', '{}', NULL, 0, 0, NULL, NULL, 1, NULL, NULL, NULL),
      ('celery.backend_cleanup', 'celery.backend_cleanup', '[]', '{}', NULL, 1, 0, NULL, NULL, NULL, 1, NULL, NULL),
      ('once', 'shop.look', '[]', '{}', NULL, 1, 1, NULL, NULL, NULL, NULL, NULL, 4);
"""


@pytest.mark.parametrize(
    ("when", "cron"),
    [
        (crontab(), "* * * * *"),
        (crontab(minute=0, hour="*/3"), "0 */3 * * *"),
        (crontab(minute="0,30", hour=range(8, 18)), "0,30 8,9,10,11,12,13,14,15,16,17 * * *"),
        (crontab(minute=5, hour=4, day_of_week="sunday,Wed-fri"), "5 4 * * 0,3-5"),
        (crontab(minute=5, hour=4, day_of_month="1-7,15"), "5 4 1-7,15 * *"),
        (crontab(0, 0, day_of_month=1, month_of_year="jan, jul"), "0 0 1 1,7 *"),
        (crontab(minute={0, 15}, day_of_month=range(1, 32)), "0,15 * * * *"),
    ],
)
def test_a_crontab_is_cron_s(when: crontab, cron: str) -> None:
    assert when.cron == cron
    check_cron(cron)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (900.0, {"every_seconds": 900}),
        (timedelta(hours=1), {"every_seconds": 3600}),
        (schedule(run_every=5), {"every_seconds": 5}),
        ("crontab(hour=2, minute=0)", {"cron": "0 2 * * *", "time_zone": "UTC"}),
        (crontab(minute=1, tz="Europe/Oslo"), {"cron": "1 * * * *", "time_zone": "Europe/Oslo"}),
    ],
)
def test_times_are_bureau_s(given: Any, made: dict[str, Any]) -> None:
    assert timing(given) == made


@pytest.mark.parametrize("given", [0.5, 1.5, "every now and then", "__import__('os')", object()])
def test_a_time_that_bureau_lacks_is_refused(given: Any) -> None:
    with pytest.raises(NotInBureau):
        timing(given)


def test_an_entry_has_its_task_arguments_queue_and_expiry() -> None:
    entry = {"task": "shop.report", "schedule": 60, "args": (1,), "options": {"queue": "High-Prio", "expires": 30}}
    body = body_of(entry)
    (task,) = body["job"]["tasks"]
    assert task["run"] == "high_prio.shop.report"
    assert task["input"] == {"args": [1], "kwargs": {}, "celery": {"expires_in": 30.0}}
    assert name_of("a report: daily") == "a-report-daily"


def test_the_tables_of_django_celery_beat_are_read() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        found = {name: (entry, enabled) for name, entry, enabled in django_tables.entries(Database(connection))}
    assert found.keys() == {"a report", "a look", "once"}
    report, enabled = found["a report"]
    assert enabled
    body = body_of(report)
    assert (body["cron"], body["time_zone"], body["job"]["priority"]) == ("30 4 * * 1", "Europe/Madrid", 7)
    assert body["job"]["tasks"][0]["input"]["kwargs"] == {"b": 2}
    assert found["a look"][1] is False
    assert body_of(found["a look"][0])["every_seconds"] == 7200
    with pytest.raises(NotInBureau, match="once, at a time"):
        body_of(found["once"][0])


class Database:
    """Gives cursors as Django's connections do: as context managers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def cursor(self) -> Any:
        return closing(self._connection.cursor())
