"""Tests the thread that sends what was committed: when it starts and ends, and what it leaves to the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from unittest import mock

import pytest

from bureau.client import Bureau
from tests.integration.django.conftest import Shop
from tests.support.waiting import until

SCRIPT = """
import django; django.setup()
import os
from django.db import transaction
from shop.tasks import remind
with transaction.atomic():
    print(remind.enqueue("parent").id)
if os.fork() == 0:
    with transaction.atomic():
        print(remind.enqueue("child").id)
else:
    os.wait()
"""


@pytest.fixture(autouse=True)
def empty_outbox(shop: Shop) -> Iterator[None]:
    from bureau.django.models import Submission

    Submission.objects.all().delete()
    yield
    Submission.objects.all().delete()


def nothing_waits() -> bool:
    from bureau.django.models import Submission

    return not Submission.objects.exists()


def all_sent() -> bool:
    """Sends what is left: a slow machine may not send within the second that a process waits at its end."""
    from bureau.django.outbox import drain

    drain()
    return nothing_waits()


def committed(*customers: str) -> list[str]:
    """Enqueues tasks in one transaction and returns their ids."""
    from django.db import transaction
    from shop.tasks import remind

    with transaction.atomic():
        return [remind.enqueue(one).id for one in customers]


@contextmanager
def requests_noted() -> Iterator[list[str]]:
    """Notes the paths of the requests to the gateway, also those of other threads."""
    from bureau.client.connection import Connection

    paths: list[str] = []
    send = Connection.send

    def noted(self: Connection, method: str, path: str, body: object = None, *, key: str | None = None) -> object:
        paths.append(path)
        return send(self, method, path, body, key=key)

    with mock.patch.object(Connection, "send", noted):
        yield paths


def test_a_script_and_its_fork_send_before_they_end(shop: Shop) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, **shop.env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ids = set(done.stdout.split())
    assert len(ids) == 2
    until(all_sent, 120, "the rows")
    with Bureau(shop.bureau.api.url) as client:
        assert {client.get(one).data["id"] for one in ids} == ids


def test_rows_of_one_transaction_go_in_one_request(shop: Shop) -> None:
    from bureau.django import background

    sender = background.BackgroundSender()
    with mock.patch("bureau.django.outbox.hand_over") as hand_over:
        committed("a", "b", "c")
    with requests_noted() as paths, mock.patch.object(sender, "_start"):
        for call in hand_over.call_args_list:
            sender.hand_over(*call.args)
        sender._queue.put(None)
        sender._run()
    assert paths == ["/v1/jobs/batch"]
    assert nothing_waits()


def test_a_batch_with_a_job_that_the_gateway_has_is_sent_one_by_one(shop: Shop) -> None:
    from uuid import UUID

    from bureau.django.gateway import send
    from bureau.django.models import Submission
    from bureau.django.sending import send_rows

    with mock.patch("bureau.django.outbox.hand_over"):
        ids = [UUID(one) for one in committed("sent by a process that died", "new")]
    row = Submission.objects.get(pk=ids[0])
    send(row.sender, row.path, row.body, row.pk)
    with requests_noted() as paths:
        send_rows("default", ids)
    assert paths == ["/v1/jobs/batch", "/v1/jobs", "/v1/jobs"]
    assert nothing_waits()


def test_what_a_full_queue_does_not_take_is_left_to_the_command(shop: Shop) -> None:
    from bureau.django import background, outbox

    with mock.patch.object(background, "QUEUE_ROWS", 1):
        sender = background.BackgroundSender()
    with mock.patch("bureau.django.outbox.hand_over") as hand_over:
        committed("a", "b")
    with mock.patch.object(sender, "_start"):
        for call in hand_over.call_args_list:
            sender.hand_over(*call.args)
    assert sender._queue.qsize() == 1
    assert outbox.drain() == 2


def test_a_thread_that_ended_is_replaced(shop: Shop) -> None:
    from bureau.django import background

    sender = background.BackgroundSender()
    with mock.patch("bureau.django.outbox.hand_over", sender.hand_over):
        with mock.patch.object(sender, "_next", return_value=[]):
            committed("a")
            assert sender._thread is not None
            sender._thread.join(60)
        committed("b")
    until(nothing_waits, 60, "both rows")


def test_with_the_setting_the_row_is_sent_at_the_commit(shop: Shop) -> None:
    from django.test import override_settings

    with override_settings(BUREAU_SEND="at_commit"):
        committed("a")
        assert nothing_waits()


def test_a_row_of_an_entry_that_is_gone_says_so_and_the_others_are_sent(shop: Shop) -> None:
    from django.core.management import call_command

    from bureau.contracts.ids import new_id
    from bureau.django.models import Submission

    with mock.patch("bureau.django.outbox.hand_over"):
        (kept,) = committed("a")
    body = Submission.objects.get(pk=kept).body
    gone = [
        Submission.objects.create(id=new_id(), sender=one, path="/v1/jobs", body=body)
        for one in ("tasks:old", "mail:old")
    ]
    Submission.objects.filter(pk=kept).update(created_at="2100-01-01T00:00:00Z")  # it is the last in the line
    call_command("bureau_outbox", "--once", stdout=StringIO())
    assert not Submission.objects.filter(pk=kept).exists()
    troubles = [Submission.objects.get(pk=row.pk).trouble for row in gone]
    assert troubles[0].startswith("TASKS has no entry 'old'")
    assert troubles[1].startswith("MAILERS has no entry 'old'")
    Submission.objects.all().delete()


def test_a_row_is_not_taken_back_while_it_is_sent_for_the_first_time(shop: Shop) -> None:
    from uuid import UUID

    from bureau.django import outbox
    from bureau.django.sending import leased, send_row

    with mock.patch("bureau.django.outbox.hand_over"):
        (one,) = committed("a")
    (row,) = leased("default", [UUID(one)])
    with mock.patch("time.sleep", side_effect=lambda _seconds: send_row(row)):
        outbox.take_back(UUID(one))
    with Bureau(shop.bureau.api.url) as client:
        assert client.get(one).data["id"] == one
