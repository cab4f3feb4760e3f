"""Makes the client with which the admin and the commands act."""

from django.conf import settings

from bureau.client import Bureau
from bureau.django.backend import BureauBackend
from bureau.django.gateway import client_of
from bureau.django.tasks_api import task_backends


def operator_client() -> Bureau:
    """Returns the client of the gateway that runs the project's tasks.

    The key is BUREAU_OPERATOR_KEY of the settings, because changes of schedules need the role `operate`, and a web
    process that only enqueues tasks does without. If it is not set, the key of TASKS is used.
    """
    backend = bureau_backend()
    options = backend.options if backend else {}
    url = options.get("URL") or getattr(settings, "BUREAU_URL", None)
    own = options.get("KEY") or getattr(settings, "BUREAU_KEY", None)
    return client_of(url, getattr(settings, "BUREAU_OPERATOR_KEY", None) or own)


def bureau_backend() -> BureauBackend | None:
    """Returns the entry of TASKS that runs on Bureau: `default` if it does, else the first that does."""
    entries = getattr(settings, "TASKS", {})
    for alias in sorted(entries, key=lambda name: name != "default"):
        backend = task_backends[alias]
        if isinstance(backend, BureauBackend):
            return backend
    return None


def console_address(job_id: str) -> str:
    """Returns the address of a job in Bureau's console.

    BUREAU_CONSOLE_URL says where people reach it, if that is not where this process reaches the gateway.
    """
    base = getattr(settings, "BUREAU_CONSOLE_URL", None) or operator_client().url
    return f"{str(base).rstrip('/')}/jobs/{job_id}"
