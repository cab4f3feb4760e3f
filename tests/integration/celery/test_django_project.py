"""Tests a Django project written for Celery, examples/celery_clinic: its code knows nothing of Bureau."""

import sys

from tests.integration.celery.conftest import Clinic

VISIT = """
import django; django.setup()
from celery.result import AsyncResult
from clinic.models import Visit
from clinic.tasks import statement
from django.test import Client
from bureau.django.models import Submission

browser = Client(raise_request_exception=False)
rolled_back = browser.post("/visits/", {"animal": "Rex", "email": "a@example.com", "day": "2026-03-01", "fail": 1})
assert rolled_back.status_code == 500
assert not Visit.objects.exists() and not Submission.objects.exists()
visit = {"animal": "Rex", "email": "a@example.com", "day": "2026-03-01", "fee": "10.25"}
booked = browser.post("/visits/", visit).json()
print(AsyncResult(booked["task_id"]).get(timeout=60))
assert Visit.objects.get().reminded
year = browser.post("/statements/2026/").json()["task_id"]
AsyncResult(year).get(timeout=60)
print(browser.get(f"/tasks/{year}/").json()["result"])
"""


def test_its_own_tests_pass(clinic: Clinic) -> None:
    clinic.manage("test", "-v0")


def test_what_a_rolled_back_request_called_is_never_sent_and_the_rest_runs(clinic: Clinic) -> None:
    assert clinic.run([sys.executable, "-c", VISIT]).splitlines() == ["Rex, attempt 1", "2026: 10.25 €, best month 3"]


def test_its_beat_schedule_becomes_schedules(clinic: Clinic) -> None:
    command = [sys.executable, "-m", "bureau.celery", "-A", "config", "schedules"]
    for _ in range(2):  # it can be repeated
        assert clinic.run(command).splitlines() == ["saved close-the-day", "saved look-for-reminders"]
    found = {one["name"]: one for one in clinic.bureau.api.get("/v1/schedules")["items"]}
    closing, reminders = found["close-the-day"], found["look-for-reminders"]
    assert (closing["cron"], closing["time_zone"]) == ("30 20 * * 1-6", "Europe/Madrid")
    assert reminders["every_seconds"] == 900
    (task,) = reminders["job"]["tasks"]
    assert (task["run"], task["input"]["celery"]) == ("celery.clinic.tasks.remind_all", {"expires_in": 600.0})
