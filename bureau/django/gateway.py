"""Sends requests to the gateway, with one client for each address and key, which all threads share."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings

from bureau.client import Bureau, Patience
from bureau.django.tasks_api import task_backends

MAIL = "mail"
_PATIENCE_SECONDS = 2.0
_TASKS = "tasks:"
_MAILER = "mail:"


@cache  # Django makes a backend for each thread
def client_of(url: str | None, key: str | None, seconds: float = _PATIENCE_SECONDS) -> Bureau:
    """Returns the client of a gateway, which repeats a request for `seconds` at most."""
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

    An entry of TASKS has its own, and one of MAILERS may. All other mail goes to BUREAU_URL with BUREAU_KEY.
    """
    if sender.startswith(_TASKS):
        return task_backends[sender.removeprefix(_TASKS)].client
    if sender.startswith(_MAILER):
        options = settings.MAILERS[sender.removeprefix(_MAILER)].get("OPTIONS", {})
        return client_of(options.get("url"), options.get("key"))
    return client_of(getattr(settings, "BUREAU_URL", None), getattr(settings, "BUREAU_KEY", None))


def send(sender: str, path: str, body: Mapping[str, Any], job_id: UUID) -> None:
    """Submits a job under an id, so that a second send makes no second job. Raises `BureauError`."""
    client_for(sender).connection.send("POST", path, {**body, "id": str(job_id)}, key=str(job_id))
