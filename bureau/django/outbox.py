"""Keeps the outbox's submissions: each is sent at least once, and Bureau makes one job of it.

A row is written in the transaction of the data that its task is about, and deleted after the gateway has accepted it.
A process that dies in between leaves the row, and the row's id is the job's, so it can be sent again at any time.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import mail
from django.db import connections, router, transaction
from django.utils import timezone

from bureau.client import BureauError
from bureau.django.background import hand_over, send_now
from bureau.django.gateway import AT_COMMIT, send
from bureau.django.models import Submission
from bureau.django.sending import leased, send_row
from bureau.outbox.sending import may_succeed_later

_IN_FLIGHT_SECONDS = 3.0  # longer than a request to the gateway is repeated
_LOOK_SECONDS = 0.05


def database() -> str:
    """Returns the alias of the outbox's database."""
    return router.db_for_write(Submission)


def in_transaction() -> bool:
    """Returns whether the outbox's database has a transaction open in this thread."""
    return bool(connections[database()].in_atomic_block)


def submit(sender: str, path: str, body: Mapping[str, Any], job_id: UUID) -> None:
    """Submits a job: with the open transaction, once that is committed; without one now, or later if Bureau is away.

    Raises `BureauError` for a submission that Bureau will never accept, if there is no open transaction.
    """
    if in_transaction():
        alias = database()
        row = write(sender, path, body, job_id)
        after = partial(hand_over, alias, row.pk) if _in_background(alias) else partial(send_now, alias, row.pk)
        transaction.on_commit(after, using=alias, robust=True)
        return
    try:
        send(sender, path, body, job_id)
    except BureauError as error:
        if not may_succeed_later(error):
            raise
        write(sender, path, body, job_id).postpone(str(error))


def _in_background(alias: str) -> bool:
    """Returns whether a thread sends what is committed to this database.

    A thread has a connection of its own. It cannot see a database in memory, and would hold up a runner of tests that
    drops its database: Django makes `mail.outbox` while tests run.
    """
    connection: Any = connections[alias]
    in_memory = connection.vendor == "sqlite" and connection.is_in_memory_db()
    return not in_memory and not hasattr(mail, "outbox") and getattr(settings, "BUREAU_SEND", None) != AT_COMMIT


def write(sender: str, path: str, body: Mapping[str, Any], job_id: UUID) -> Submission:
    """Writes a row, in the open transaction if there is one."""
    row = Submission(id=job_id, sender=sender, path=path, body=dict(body))
    row.save(using=database(), force_insert=True)
    return row


def find(job_id: UUID) -> Submission | None:
    return Submission.objects.using(database()).filter(pk=job_id).first()


def take_back(job_id: UUID) -> None:
    """Deletes a submission, so that it is not sent. One that is being sent for the first time is waited for."""
    until = time.monotonic() + _IN_FLIGHT_SECONDS
    while row := find(job_id):
        in_flight = not row.tries and row.next_try_at > timezone.now()
        if in_flight and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        elif Submission.objects.using(database()).filter(pk=row.pk, next_try_at=row.next_try_at).delete()[0]:
            return


def drain(limit: int = 1000) -> int:
    """Sends the submissions that are due, the oldest first, and returns how many were accepted.

    Several processes may drain at once. Raises `BureauError` if the gateway cannot be reached.
    """
    alias, sent = database(), 0
    rows = Submission.objects.using(alias)
    due = rows.filter(refused_at__isnull=True, next_try_at__lte=timezone.now()).order_by("created_at")
    for job_id in list(due.values_list("pk", flat=True)[:limit]):
        for row in leased(alias, [job_id]):
            sent += send_row(row)
    return sent
