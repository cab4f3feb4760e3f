"""Runs one real Bureau in the process of the tests, with the project's tasks."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import override_settings

from bureau.django.testing.recorded import runs_on_bureau
from bureau.in_process.client import BureauInProcess
from bureau.in_process.process import outbox_of, running

_OPEN = ("scheduled", "queued", "running")
REST_SECONDS = 30.0


class LiveBureau:
    """Holds the running Bureau: its address, and the folder with its files and mails."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def client(self) -> BureauInProcess:
        """Returns a client whose outbox holds the mails from now on."""
        return BureauInProcess(self.url, outbox_of(self.folder))

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Has the project's tasks and mails go to this Bureau during the block. Raises `ImproperlyConfigured`."""
        for alias in connections:
            wrapper: Any = connections[alias]
            if wrapper.vendor == "sqlite" and wrapper.is_in_memory_db():
                raise ImproperlyConfigured(
                    f"The workers' threads cannot share the test database {alias!r}, which is in memory. "
                    "Give it a file: DATABASES = {…: {…, 'TEST': {'NAME': 'test.sqlite3'}}}"
                )
        entries = {
            alias: {**entry, "OPTIONS": {**entry.get("OPTIONS", {}), "URL": self.url, "KEY": None}}
            if runs_on_bureau(entry)
            else entry
            for alias, entry in settings.TASKS.items()
        }
        with override_settings(TASKS=entries, BUREAU_URL=self.url, BUREAU_KEY=None):
            yield

    def come_to_rest(self) -> None:
        """Cancels what is left of a test and waits for what runs: afterwards the test's rows are deleted."""
        with self.client() as client:
            client.cancel(state=_OPEN)
            for job in client.jobs(state=_OPEN):
                job.wait(REST_SECONDS, check=False)


@cache
def live_bureau() -> LiveBureau:
    """Starts Bureau, once a process; it is stopped when the process ends. Raises `NotInstalled`."""
    stack = ExitStack()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bureau-tests-")))
    url = stack.enter_context(running(folder, {"TASKS": "bureau.django.worker"}))
    threading.Thread(target=_stop_at_the_end, args=(stack,), name="stop-bureau").start()
    return LiveBureau(url, folder)


def _stop_at_the_end(bureau: ExitStack) -> None:
    """Stops Bureau when the main thread has ended. An exit handler would come too late: Bureau's threads hold it up."""
    threading.main_thread().join()
    bureau.close()
