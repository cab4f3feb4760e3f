"""Sends requests to the gateway, with one client for each address and key, which all threads share."""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings

from bureau.client import Bureau, Patience
from bureau.django.tasks_api import task_backends

JOBS = "/v1/jobs"
MAIL = "mail"
BACKGROUND, AT_COMMIT = "background", "at_commit"  # values of BUREAU_SEND: who sends what was committed
_PATIENCE_SECONDS = 2.0
_TASKS = "tasks:"
_MAILER = "mail:"


class UnknownSender(Exception):
    """Says that the settings have no such entry any more: a row of the outbox is older than they are."""


def client_of(url: str | None, key: str | None, seconds: float = _PATIENCE_SECONDS) -> Bureau:
    """Returns the client of a gateway, which repeats a request for `seconds` at most.

    A forked process gets one of its own, because two processes cannot share a connection.
    """
    return _client(os.getpid(), url, key, seconds)


@cache  # Django makes a backend for each thread
def _client(_process: int, url: str | None, key: str | None, seconds: float) -> Bureau:
    return Bureau(url, key, patience=Patience(seconds=seconds))


def tasks_sender(alias: str) -> str:
    """Returns the name under which an entry of TASKS sends."""
    return f"{_TASKS}{alias}"


def tasks_client(alias: str | None = None) -> Bureau:
    """Returns the client of an entry of TASKS; without `alias`, of `default` or else the first that runs on Bureau."""
    entries = [alias] if alias else sorted(settings.TASKS, key=lambda name: name != "default")
    clients = [getattr(task_backends[entry], "client", None) for entry in entries]
    return next((client for client in clients if client), None) or client_for(MAIL)


def mail_sender(alias: str | None) -> str:
    """Returns the name under which mail is sent; `alias` is an entry of MAILERS that has a gateway of its own."""
    return f"{_MAILER}{alias}" if alias else MAIL


def client_for(sender: str) -> Bureau:
    """Returns the client of a sender.

    An entry of TASKS has its own, and one of MAILERS may. All other mail goes to BUREAU_URL with BUREAU_KEY. Raises
    `UnknownSender` if the entry is not in the settings any more, or does not run on Bureau.
    """
    if sender.startswith(_TASKS):
        return _client_of_tasks(sender.removeprefix(_TASKS))
    if sender.startswith(_MAILER):
        options = _options_of_mailer(sender.removeprefix(_MAILER))
        return client_of(options.get("url"), options.get("key"))
    return client_of(getattr(settings, "BUREAU_URL", None), getattr(settings, "BUREAU_KEY", None))


def send(sender: str, path: str, body: Mapping[str, Any], job_id: UUID) -> None:
    """Submits a job under an id, so that a second send makes no second job. Raises `BureauError`, `UnknownSender`."""
    client_for(sender).connection.send("POST", path, {**body, "id": str(job_id)}, key=str(job_id))


def send_batch(sender: str, jobs: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Submits jobs under their ids, all or none. Raises `BureauError`, `UnknownSender`."""
    bodies = [{**body, "id": str(job_id)} for job_id, body in jobs]
    client_for(sender).connection.send("POST", f"{JOBS}/batch", {"jobs": bodies})


def _client_of_tasks(alias: str) -> Bureau:
    entry = task_backends[alias] if alias in settings.TASKS else None
    client: Bureau | None = getattr(entry, "client", None)
    if client is None:
        raise UnknownSender(
            f"TASKS has no entry {alias!r} that runs on Bureau: put it back into the settings, or delete this row."
        )
    return client


def _options_of_mailer(alias: str) -> Mapping[str, Any]:
    mailers = getattr(settings, "MAILERS", {})
    if alias not in mailers:
        raise UnknownSender(f"MAILERS has no entry {alias!r}: put it back into the settings, or delete this row.")
    options: Mapping[str, Any] = mailers[alias].get("OPTIONS", {})
    return options
