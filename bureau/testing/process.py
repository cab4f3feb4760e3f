"""Everything in this process: the ledger in SQLite, an in-memory broker, files and mails in a temporary folder.

`bureau.services.embedded`, of the same distribution, puts the services together. This package finds it by its name and
does not import it, because the library knows no service.
"""

import importlib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

import pytest

COMPOSITION = "bureau.services.embedded.process"
DECIDED = ("BROKER_URL", "DATABASE_URL", "STORAGE_URL", "MAIL_URL", "BIND", "LOCK_FILE")
AWAY = ("CERTIFICATES_API", "KEYS_FILE", "SCHEDULES_FILE", "METRICS_BIND", "HEALTH_BIND", "PUBLIC_URL", "TASKS")


class Running(Protocol):
    """What `build` of the composition gives."""

    url: str

    def start(self) -> None: ...
    def stop(self) -> None: ...


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Its address. The environment is as it was before, once all is built."""
    with pytest.MonkeyPatch.context() as environment:
        _settle(environment, folder, settings)
        process = _composition().build()
    process.start()
    try:
        yield process.url
    finally:
        process.stop()


def outbox_of(folder: Path) -> Path:
    return folder / "outbox"


def _settle(environment: pytest.MonkeyPatch, folder: Path, settings: Mapping[str, str]) -> None:
    """Nothing of the developer's own is reached: no database, no source of reports, no mail server, no API."""
    sources = [name for name in os.environ if name.startswith("SOURCE_")]
    for name in (*DECIDED, *AWAY, *sources):
        environment.delenv(name, raising=False)
        environment.delenv(f"{name}_FILE", raising=False)
    own = {
        "BROKER_URL": "memory://",
        "DATABASE_URL": f"sqlite:///{folder}/bureau.db",
        "STORAGE_URL": f"file://{folder}/storage",
        "MAIL_URL": f"file://{outbox_of(folder)}",
        "BIND": f"127.0.0.1:{_free_port()}",
        "LOCK_FILE": f"{folder}/bureau.lock",
        "SOURCE_DEMO_URL": f"sqlite:///{folder}/no-demo.db",  # the demo shop takes seconds to make
    }
    for name, value in {**own, **settings}.items():
        environment.setenv(name, value)


def _composition() -> "Composition":
    """Raises `pytest.UsageError` where the services are not installed."""
    try:
        return cast("Composition", importlib.import_module(COMPOSITION))
    except ModuleNotFoundError as error:
        raise pytest.UsageError(
            f"bureau.testing runs all of Bureau, and {error.name} is missing: pip install 'bureau-jobs[embedded]'"
        ) from error


class Composition(Protocol):
    """A module that puts everything together from the environment."""

    def build(self) -> Running: ...


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
