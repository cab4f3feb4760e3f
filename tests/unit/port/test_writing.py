"""`--write` changes what it says it changes, and nothing else."""

from pathlib import Path

import pytest

from bureau.port.finding import Verdict
from bureau.port.summary import call_sites
from bureau.port.survey import survey
from bureau.port.writing import write_changes, write_schedules
from bureau.services.scheduler.schedule_file import ScheduleFile
from tests.unit.port.conftest import Read


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from celery import shared_task as st, chain", "from bureau.celery import shared_task as st, chain"),
        ("from celery.schedules import crontab", "from bureau.celery.schedules import crontab"),
        ("import celery", "import bureau.celery as celery"),
        ("import os, celery as c", "import os, bureau.celery as c"),
        ("import celery.signals", "import bureau.celery.signals, bureau.celery as celery"),
        ("from celery.task import task", "from bureau.celery import shared_task as task"),
        ("from celery import (  # the queue\n    group,\n)", "from bureau.celery import (  # the queue\n    group,\n)"),
        ("from celery import bootsteps", "from celery import bootsteps"),
    ],
)
def test_imports_point_at_the_names_layer(read: Read, tmp_path: Path, before: str, after: str) -> None:
    write_changes(read(code=f"{before}\nx = 1  # stays\n"))
    assert (tmp_path / "code.py").read_text() == f"{after}\nx = 1  # stays\n"


ON_COMMIT = """
    from functools import partial
    from celery import shared_task
    from django.db import transaction

    @shared_task
    def send(n): ...

    def view(order):
        transaction.on_commit({argument})
"""


@pytest.mark.parametrize(
    ("argument", "after"),
    [
        ("partial(send.delay, order.pk)", "send.delay(order.pk)"),
        ("partial(send.apply_async, (order.pk,), countdown=3)", "send.apply_async((order.pk,), countdown=3)"),
        ("lambda: send.delay(7)", "send.delay(7)"),
        ("send.delay", "send.delay()"),
    ],
)
def test_a_submission_after_the_commit_becomes_a_part_of_the_transaction(
    read: Read, tmp_path: Path, argument: str, after: str
) -> None:
    found = read(code=ON_COMMIT.format(argument=argument))
    assert [one.verdict for one in found.findings if one.line == 9] == [Verdict.REWRITTEN]
    write_changes(found)
    assert (tmp_path / "code.py").read_text().splitlines()[-1] == f"    {after}"


@pytest.mark.parametrize("argument", ["lambda: send.delay(order.pk)", "lambda: print(1)", "lambda n=1: send.delay(n)"])
def test_what_is_evaluated_after_the_commit_stays_there(read: Read, tmp_path: Path, argument: str) -> None:
    write_changes(read(code=ON_COMMIT.format(argument=argument)))
    assert (tmp_path / "code.py").read_text().splitlines()[-1] == f"    transaction.on_commit({argument})"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f.apply_async((1,), expiration=30)", "f.apply_async((1,), expires=30)"),
        ("f.delay_on_commit(1)", "f.delay(1)"),
        ("f.apply_async_on_commit(args=(1,))", "f.apply_async(args=(1,))"),
    ],
)
def test_what_bureau_calls_otherwise_is_renamed(read: Read, tmp_path: Path, before: str, after: str) -> None:
    found = read(code=f"from celery import shared_task\n@shared_task\ndef f(n): ...\n{before}\n")
    assert [one.verdict for one in found.findings if one.line == 4] == [Verdict.REWRITTEN]
    write_changes(found)
    assert (tmp_path / "code.py").read_text().splitlines()[-1] == after


def test_celerys_apps_give_way_to_bureaus(read: Read, tmp_path: Path) -> None:
    write_changes(
        read(settings='INSTALLED_APPS = [\n    "shop",\n    "django_celery_beat",\n    "django_celery_results",\n]\n')
    )
    assert (tmp_path / "settings.py").read_text() == 'INSTALLED_APPS = [\n    "shop",\n    "bureau.django",\n]\n'


def test_a_second_time_there_is_nothing_left_to_write(read: Read, tmp_path: Path) -> None:
    first = read(
        tasks="from celery import shared_task\n@shared_task(bind=True)\ndef f(self):\n    self.retry()\n",
        user="from tasks import f\nf.delay()\n",
    )
    write_changes(first)
    again = survey(tmp_path)
    assert not again.changes
    assert call_sites(again.findings) == call_sites(first.findings)


BEAT = """
    from datetime import timedelta
    from celery.schedules import crontab, solar

    HOUR = 3600
    CELERY_TIMEZONE = "Europe/Paris"
    CELERY_BEAT_SCHEDULE = {
        "every-night": {"task": "shop.tasks.clean", "schedule": crontab(hour=2, minute=0), "args": (1, "a")},
        "Mondays at 7!": {"task": "shop.tasks.Report", "schedule": crontab(0, 7, day_of_week="monday"),
                          "kwargs": {"all": True}, "options": {"queue": "High-Priority"}},
        "often": {"task": "shop.tasks.ping", "schedule": timedelta(minutes=5)},
        "seconds": {"task": "shop.tasks.ping", "schedule": 30.0},
        "computed": {"task": "shop.tasks.ping", "schedule": timedelta(seconds=HOUR)},
        "sun": {"task": "shop.tasks.ping", "schedule": solar("sunset", 1, 2)},
        "both-days": {"task": "shop.tasks.ping", "schedule": crontab(day_of_month=1, day_of_week=1)},
    }
"""


def test_beats_schedules_become_a_file_that_the_scheduler_reads(read: Read, tmp_path: Path) -> None:
    found = read(settings=BEAT)
    verdicts = {one.what: one.verdict for one in found.findings if one.kind.value == "schedules"}
    assert verdicts == {
        "every-night": Verdict.REWRITTEN,
        "Mondays at 7!": Verdict.REWRITTEN,
        "often": Verdict.REWRITTEN,
        "seconds": Verdict.REWRITTEN,
        "computed": Verdict.AS_IS,
        "sun": Verdict.BY_HAND,
        "both-days": Verdict.BY_HAND,
    }
    path = tmp_path / "schedules.yaml"
    assert write_schedules(found, path) == [path]
    specs = {entry.name: entry.spec for entry in ScheduleFile(path, path.read_bytes()).entries}
    assert {name: spec.cron or spec.every_seconds for name, spec in specs.items()} == {
        "every-night": "0 2 * * *",
        "Mondays-at-7": "0 7 * * mon",
        "often": 300,
        "seconds": 30,
    }
    night, monday = (specs[name].job for name in ("every-night", "Mondays-at-7"))
    assert night is not None
    assert monday is not None
    assert night.tasks[0].run == "celery.shop.tasks.clean"
    assert night.tasks[0].input == {"args": [1, "a"], "kwargs": {}}
    assert monday.tasks[0].run == "high_priority.shop.tasks.report"
    assert specs["every-night"].time_zone == "Europe/Paris"


def test_a_file_of_schedules_that_is_there_is_left_alone(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text("mine")
    assert write_schedules(read(settings=BEAT), path) == []
    assert path.read_text() == "mine"
