"""Defines the clinic's tasks, with what projects on Celery have."""

import asyncio
import csv
from decimal import Decimal
from smtplib import SMTPException

from celery import Task, chain, chord, group, shared_task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from celery.utils.log import get_task_logger
from django.core.mail import send_mail
from django.db.models import Sum
from django.utils import timezone

from .models import Animal, Visit

log = get_task_logger(__name__)


class ClinicTask(Task):
    """Writes a failed task into the log, as a base class of many projects does."""

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        log.error("%s%r failed: %s", self.name, tuple(args), exc)


@shared_task(
    base=ClinicTask,
    bind=True,
    autoretry_for=(SMTPException, ConnectionError),
    retry_backoff=True,
    retry_backoff_max=300,
    retry_kwargs={"max_retries": 5},
)
def remind(self, visit_id):
    visit = Visit.objects.select_related("animal").get(pk=visit_id)
    if visit.reminded:
        raise Ignore
    send_mail(f"{visit.animal.name} is expected", f"On {visit.day}.", "clinic@example.com", [visit.animal.owner_email])
    Visit.objects.filter(pk=visit_id).update(reminded=True)
    return f"{visit.animal.name}, attempt {self.request.retries + 1}"


@shared_task
def remind_all():
    tomorrow = timezone.localdate() + timezone.timedelta(days=1)
    for pk in Visit.objects.filter(day=tomorrow, reminded=False).values_list("pk", flat=True):
        remind.apply_async((pk,), queue="mails", expires=3600)


@shared_task
def close_day():
    return Visit.objects.filter(day__lte=timezone.localdate(), closed=False).update(closed=True)


@shared_task(bind=True, soft_time_limit=60, time_limit=90)
def import_visits(self, path):
    made = 0
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        for made, row in enumerate(rows, start=1):
            animal, _ = Animal.objects.get_or_create(name=row["animal"], owner_email=row["email"])
            Visit.objects.create(animal=animal, day=row["day"], fee=Decimal(row["fee"]))
            self.update_state(state="PROGRESS", meta={"current": made, "total": len(rows), "animal": row["animal"]})
    except SoftTimeLimitExceeded:
        log.warning("%s took too long; %s visits are kept", path, made)
    return {"visits": made}


@shared_task
def statement_month(year, month):
    found = Visit.objects.filter(day__year=year, day__month=month).aggregate(total=Sum("fee"))
    return found["total"] or Decimal(0)


@shared_task
def statement_year(totals, year):
    return {"year": year, "total": sum(totals), "best": totals.index(max(totals)) + 1}


@shared_task
def statement_text(statement, currency="EUR"):
    return f"{statement['year']}: {statement['total']} {currency}, best month {statement['best']}"


def statement(year):
    """Returns the canvas of a year: twelve months at once, their sum, and a text of it."""
    months = group(statement_month.s(year, month) for month in range(1, 13))
    return chain(chord(months, statement_year.s(year)), statement_text.s(currency="€"))


@shared_task
async def weigh(kilos):
    await asyncio.sleep(0.01)
    return kilos * 2
