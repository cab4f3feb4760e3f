"""Runs Bureau in this process: the ledger in SQLite, an in-memory broker, files and mails in a temporary folder.

`bureau.services.embedded`, of the same distribution, assembles the services. This module imports it by name at run
time, because the library must not depend on a service.
"""

import importlib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

from bureau.in_process.logs import log_to_logging

COMPOSITION = "bureau.services.embedded.process"
REPLACED_SETTINGS = ("BROKER_URL", "DATABASE_URL", "STORAGE_URL", "MAIL_URL", "BIND", "LOCK_FILE")
REMOVED_SETTINGS = (
    "CERTIFICATES_API",
    "KEYS_FILE",
    "SCHEDULES_FILE",
    "METRICS_BIND",
    "HEALTH_BIND",
    "PUBLIC_URL",
    "TASKS",
    "QUEUES",
)


class RunningBureau(Protocol):
    """Defines the interface of the object that `build` of the composition returns."""

    url: str

    def start(self) -> None: ...
    def stop(self) -> None: ...


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Runs a Bureau during the block and yields its address. It restores the environment as soon as all is built.

    Raises `NotInstalled`.
    """
    composition = _composition()
    log_to_logging()
    with _environment(folder, settings):
        process = composition.build()
    process.start()
    try:
        yield process.url
    finally:
        process.stop()


def outbox_of(folder: Path) -> Path:
    return folder / "outbox"


@contextmanager
def _environment(folder: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """Sets the environment so that no test reaches the developer's own database, report source, mail server or API."""
    before = dict(os.environ)
    sources = [name for name in os.environ if name.startswith("SOURCE_")]
    for name in (*REPLACED_SETTINGS, *REMOVED_SETTINGS, *sources):
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    own = {
        "BROKER_URL": "memory://",
        "DATABASE_URL": f"sqlite:///{folder}/bureau.db",
        "STORAGE_URL": f"file://{folder}/storage",
        "MAIL_URL": f"file://{outbox_of(folder)}",
        "BIND": f"127.0.0.1:{_free_port()}",
        "LOCK_FILE": f"{folder}/bureau.lock",
        "SOURCE_DEMO_URL": f"sqlite:///{folder}/no-demo.db",  # prevents the demo shop, which takes seconds to make
    }
    os.environ |= {**own, **settings}
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ |= before


class NotInstalled(ImportError):
    """Says which package of Bureau's services is missing."""


def _composition() -> "Composition":
    """Imports the composition. Raises `NotInstalled` if the services are not installed."""
    try:
        return cast("Composition", importlib.import_module(COMPOSITION))
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"this runs all of Bureau, and {error.name} is missing: pip install 'bureau-jobs[embedded]'"
        ) from error


class Composition(Protocol):
    """Defines the interface of a module that assembles Bureau from the environment."""

    def build(self) -> RunningBureau: ...


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
