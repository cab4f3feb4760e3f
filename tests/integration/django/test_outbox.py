"""Tests that a task is enqueued exactly when the data that it is about is committed, whatever dies meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bureau.client import Bureau
from tests.integration.django.conftest import Shop
from tests.support.waiting import until

KILLS = Path(__file__).with_name("kills.py")


def submitted(shop: Shop) -> list[str]:
    """The ids of all jobs that make a receipt."""
    with Bureau(shop.bureau.api.url) as client:
        return sorted(job.id for job in client.jobs(q="shop.tasks.receipt"))


@pytest.mark.parametrize("what", ["enqueue", "drain", pytest.param("thread", marks=pytest.mark.long)])
def test_processes_killed_at_each_line_lose_and_double_nothing(shop: Shop, what: str) -> None:
    from django.utils import timezone
    from shop.models import Order

    from bureau.django.models import Submission
    from bureau.django.outbox import drain

    done = subprocess.run(
        [sys.executable, KILLS, what], env={**os.environ, **shop.env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
    Submission.objects.update(next_try_at=timezone.now())  # the leases of the dead
    drain()
    assert not Submission.objects.exists()
    until(lambda: not Order.objects.filter(receipt="").exists(), 60, "all receipts")
    assert submitted(shop) == sorted(Order.objects.values_list("job", flat=True))


def test_a_rolled_back_transaction_enqueues_nothing(shop: Shop) -> None:
    from django.db import transaction
    from shop.tasks import remind

    from bureau.django.models import Submission
    from bureau.django.tasks_api import TaskResultDoesNotExist

    with transaction.atomic():
        result = remind.enqueue("Ada")
        assert Submission.objects.count() == 1
        transaction.set_rollback(True)
    assert Submission.objects.count() == 0
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


def test_while_bureau_is_away_tasks_wait_in_the_outbox(shop: Shop) -> None:
    from shop.tasks import remind

    from bureau.django import outbox
    from bureau.django.models import Submission

    shop.bureau.process.kill()
    result = remind.enqueue("Ada")
    (row,) = Submission.objects.all()
    assert str(row.pk) == result.id
    assert row.trouble
    shop.bureau.start()
    Submission.objects.update(next_try_at=row.created_at)
    result.refresh()
    assert result.status == "READY"
    assert outbox.drain() == 1

    def ended() -> bool:
        result.refresh()
        return bool(result.is_finished)

    until(ended, 30, "the task's end")
    assert result.return_value == "Hello Ada"


def test_a_refused_submission_keeps_its_reason_and_is_not_sent_again(shop: Shop) -> None:
    from django.db import transaction

    from bureau.contracts.ids import new_id
    from bureau.django import outbox
    from bureau.django.models import Submission

    wrong = {"tasks": [{"name": "no name", "run": "default.shop.tasks.remind", "input": {}}]}
    unknown = {"tasks": [{"name": "task", "run": "default.gone.task", "input": {}}]}
    ids = [new_id(), new_id()]
    with transaction.atomic():
        for job_id, body in zip(ids, (wrong, unknown), strict=True):
            outbox.submit("tasks:default", "/v1/jobs", body, job_id)

    def tried() -> bool:
        outbox.drain()  # what the thread left, if the gateway was slow for a moment
        return all(row.tries for row in Submission.objects.in_bulk(ids).values())

    until(tried, 120, "the answers")
    refused, postponed = Submission.objects.in_bulk(ids).values()
    if refused.pk != ids[0]:
        refused, postponed = postponed, refused
    assert refused.refused_at
    assert "#/tasks/0/name" in refused.trouble
    assert postponed.refused_at is None
    Submission.objects.all().delete()


def test_mail_goes_with_the_transaction_it_was_sent_in(shop: Shop, settings_of_mail: None) -> None:
    from django.core.mail import EmailMultiAlternatives, send_mail
    from django.db import transaction

    from bureau.django.models import Submission
    from bureau.django.outbox import drain

    with transaction.atomic():
        assert send_mail("Rolled back", "x", "shop@example.com", ["ada@example.com"]) == 1
        transaction.set_rollback(True)
    with transaction.atomic():
        mail = EmailMultiAlternatives("Kept", "plain", "shop@example.com", ["ada@example.com"], bcc=["b@example.com"])
        mail.attach_alternative("<p>rich</p>", "text/html")
        mail.attach("receipt.txt", "paid", "text/plain")
        assert mail.send() == 1
    until(lambda: drain() or not Submission.objects.exists(), 120, "the submission")
    with Bureau(shop.bureau.api.url) as client:
        (job,) = [job for job in client.jobs(kind="email") if job.title in ("Kept", "Rolled back")]
        client.get(job.id).wait(30)
    found = [path.read_text() for path in shop.bureau.outbox.glob("*.eml")]
    (text,) = [one for one in found if "Subject: Kept" in one]
    assert "<p>rich</p>" in text
    assert "receipt.txt" in text
