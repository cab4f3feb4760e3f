"""Sends rows of the outbox, and deletes those that the gateway has accepted.

A row is leased before it is sent. No transaction is open while the gateway is asked: it would lock the row for as long,
and on SQLite the database.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from django.utils import timezone

from bureau.client import BureauError
from bureau.django.gateway import JOBS, UnknownSender, send, send_batch
from bureau.django.models import Submission
from bureau.outbox.sending import LEASE_SECONDS, Accepted, Postponed, Refused, attempted


def leased(database: str, job_ids: Iterable[UUID]) -> list[Submission]:
    """Takes rows for a minute, so that other processes leave them alone. Returns those that this process got.

    They are known by the moment at which their lease ends, because not all databases return what an UPDATE changed. If
    two processes choose the same microsecond, both send the row, and the gateway makes one job of it.
    """
    now = timezone.now()
    until = now + timedelta(seconds=LEASE_SECONDS)
    rows = Submission.objects.using(database).filter(pk__in=list(job_ids), refused_at__isnull=True)
    if not rows.filter(next_try_at__lte=now).update(next_try_at=until):
        return []
    return list(rows.filter(next_try_at=until).order_by("sender", "path", "created_at"))


def send_rows(database: str, job_ids: Iterable[UUID]) -> None:
    """Sends rows, as many as possible in one request. Those of other processes, and those that are gone, are left.

    Raises `BureauError` if the gateway is away or busy; then the rows that are left are due at once.
    """
    rows = leased(database, job_ids)
    try:
        for (sender, path), group in groupby(rows, attrgetter("sender", "path")):
            _send_group(database, sender, path, list(group))
    except BureauError:
        left = Submission.objects.using(database).filter(pk__in=[row.pk for row in rows])
        left.filter(next_try_at=rows[0].next_try_at).update(next_try_at=timezone.now())
        raise


def send_row(row: Submission) -> bool:
    """Sends a row, and returns whether it was accepted. Raises `BureauError` if the gateway is away or busy.

    A row whose sender is no more in the settings is postponed: they may be put right, and the others need not wait.
    """
    try:
        outcome = attempted(partial(send, row.sender, row.path, row.body, row.pk))
    except UnknownSender as unknown:
        outcome = Postponed(str(unknown))
    match outcome:
        case Postponed(why):
            row.postpone(why)
        case Refused(why):
            row.refuse(why)
        case Accepted():
            row.delete()
    return isinstance(outcome, Accepted)


def _send_group(database: str, sender: str, path: str, rows: Sequence[Submission]) -> None:
    if path == JOBS and len(rows) > 1 and _accepted_together(sender, rows):
        Submission.objects.using(database).filter(pk__in=[row.pk for row in rows]).delete()
        return
    for row in rows:
        send_row(row)


def _accepted_together(sender: str, rows: Sequence[Submission]) -> bool:
    """Sends jobs in one request, all or none. After a refusal each is sent alone, and learns what is wrong with it.

    One of them may be at the gateway already, if a process died after it sent it; that refuses the batch too.
    """
    try:
        return isinstance(attempted(partial(send_batch, sender, [(row.pk, row.body) for row in rows])), Accepted)
    except UnknownSender:
        return False
