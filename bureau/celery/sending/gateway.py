"""Submits jobs to the gateway, and gives the client that reads them.

In a Django project with the app `bureau.django` a job that is submitted in a transaction is committed with it or not at
all, by the outbox. Everywhere else it is submitted at once.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any
from uuid import UUID

from bureau.client import Bureau, BureauError, Patience

SENDER = "celery"  # of the outbox's rows
BATCH_AT_MOST = 1000
_PATIENCE_SECONDS = 2.0


def client(seconds: float | None = None) -> Bureau:
    """Returns the client of the gateway that BUREAU_URL and BUREAU_KEY name, which all threads share.

    In a Django project the settings of these names come before the environment. It repeats a request for `seconds`.
    """
    settings = _django_settings()
    url, key = (getattr(settings, name, None) or os.environ.get(name) for name in ("BUREAU_URL", "BUREAU_KEY"))
    patience = float(os.environ.get("BUREAU_PATIENCE", _PATIENCE_SECONDS)) if seconds is None else seconds
    return _client(url, key, patience)


@cache
def _client(url: str | None, key: str | None, seconds: float) -> Bureau:
    return Bureau(url, key, patience=Patience(seconds=seconds))


def submit(body: Mapping[str, Any], job_id: UUID, *, seconds: float | None = None) -> None:
    """Submits a job under an id, so that a second try makes no second job. Raises `BureauError`."""
    if box := outbox():
        box.submit(SENDER, "/v1/jobs", body, job_id)
    else:
        _send(body, job_id, seconds)


def submit_all(bodies: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Submits jobs, many in one request where no transaction is open. Raises `BureauError`."""
    box = outbox()
    if len(bodies) > 1 and not (box and box.in_transaction()):
        try:
            for start in range(0, len(bodies), BATCH_AT_MOST):
                _send_batch(bodies[start : start + BATCH_AT_MOST])
            return
        except BureauError:
            if not box:
                raise  # with an outbox each is tried again below: the ids are chosen, so none is doubled
    for job_id, body in bodies:
        submit(body, job_id)


def outbox() -> ModuleType | None:
    """Returns the outbox of `bureau.django`; None outside of a Django project that has it."""
    if _django_settings() is None:
        return None
    from django.apps import apps

    if not apps.ready or not apps.is_installed("bureau.django"):
        return None
    from bureau.django import outbox as found

    return found


def on_commit(call: Callable[[], Any]) -> None:
    """Calls a function that submits: at once where the outbox holds the row with the transaction, else after it."""
    if outbox():
        call()
        return
    from django.db import transaction

    transaction.on_commit(call)


def _django_settings() -> Any:
    if "django.conf" not in sys.modules:
        return None
    from django.conf import settings

    return settings if settings.configured else None


def _send(body: Mapping[str, Any], job_id: UUID, seconds: float | None) -> None:
    client(seconds).connection.send("POST", "/v1/jobs", {**body, "id": str(job_id)}, key=str(job_id))


def _send_batch(bodies: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    jobs = [{**body, "id": str(job_id)} for job_id, body in bodies]
    client().connection.send("POST", "/v1/jobs/batch", {"jobs": jobs}, key=str(bodies[0][0]))
