"""Sends the outbox's submissions: each at least once, and Bureau makes one job of it.

A row is written in the transaction of the data that its task is about, and deleted after the gateway has accepted it.
A process that dies in between leaves the row, and the row's id is the job's, so it can be sent again at any time.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import connections, router, transaction
from django.utils import timezone

from bureau.client import BureauError
from bureau.django.gateway import send
from bureau.django.models import Submission
from bureau.outbox.sending import LEASE_SECONDS, Postponed, Refused, attempted, may_succeed_later

_PAUSE_SECONDS = 5.0
_again_at = 0.0  # after a failure, requests leave sending to the command for a while: each would wait for its timeout


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
        row = write(sender, path, body, job_id)
        transaction.on_commit(partial(_send_at_once, row), using=database(), robust=True)
        return
    try:
        send(sender, path, body, job_id)
    except BureauError as error:
        if not may_succeed_later(error):
            raise
        write(sender, path, body, job_id).postpone(str(error))


def write(sender: str, path: str, body: Mapping[str, Any], job_id: UUID) -> Submission:
    """Writes a row, in the open transaction if there is one."""
    row = Submission(id=job_id, sender=sender, path=path, body=dict(body))
    row.save(using=database(), force_insert=True)
    return row


def find(job_id: UUID) -> Submission | None:
    return Submission.objects.using(database()).filter(pk=job_id).first()


def drain(limit: int = 1000) -> int:
    """Sends the submissions that are due, the oldest first, and returns how many were accepted.

    Several processes may drain at once. Raises `BureauError` if the gateway cannot be reached.
    """
    sent = 0
    rows = Submission.objects.using(database())
    due = rows.filter(refused_at__isnull=True, next_try_at__lte=timezone.now()).order_by("created_at")
    for row in due[:limit]:
        if _leased(row):
            sent += _send(row)
    return sent


def _leased(row: Submission) -> bool:
    """Takes the row for a minute, so that other processes leave it alone. Returns whether this process got it.

    No transaction is open while the gateway is asked: it would lock the row for as long, and on SQLite the database.
    """
    until = timezone.now() + timedelta(seconds=LEASE_SECONDS)
    same = Submission.objects.using(database()).filter(pk=row.pk, next_try_at=row.next_try_at)
    return bool(same.update(next_try_at=until))


def _send_at_once(row: Submission) -> None:
    global _again_at
    if monotonic() < _again_at:
        return
    try:
        _send(row)
    except BureauError:
        _again_at = monotonic() + _PAUSE_SECONDS


def _send(row: Submission) -> bool:
    """Sends a submission, and returns whether it was accepted. Raises `BureauError` if the gateway is away."""
    match attempted(partial(send, row.sender, row.path, row.body, row.pk)):
        case Postponed(why):
            row.postpone(why)
        case Refused(why):
            row.refuse(why)
        case _:
            row.delete()
            return True
    return False
