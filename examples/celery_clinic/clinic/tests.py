"""Tests the clinic's tasks without a Bureau: `python manage.py test`."""

from celery import current_app, states
from django.core import mail
from django.test import TestCase

from .models import Animal, Visit
from .tasks import close_day, remind, statement


class Tasks(TestCase):
    def setUp(self):
        current_app.conf.update(task_always_eager=True)
        animal = Animal.objects.create(name="Rex", owner_email="ada@example.com")
        self.visit = Visit.objects.create(animal=animal, day="2026-03-01", fee="10.25")

    def test_a_reminder_is_sent_once(self):
        result = remind.delay(self.visit.pk)
        self.assertEqual(result.get(timeout=10), "Rex, attempt 1")
        self.assertEqual(result.status, states.SUCCESS)
        remind.delay(self.visit.pk)
        self.assertEqual(len(mail.outbox), 1)

    def test_the_year_is_the_sum_of_its_months(self):
        self.assertEqual(statement(2026).delay().get(), "2026: 10.25 €, best month 3")

    def test_days_are_closed(self):
        self.assertEqual(close_day.run(), 1)
