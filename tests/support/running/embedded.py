"""Runs Bureau in one process, `python -m bureau.services.embedded`, in a folder of its own."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.running.api import Api
from tests.support.running.processes import ROOT, Process
from tests.support.servers.ports import free_port


class EmbeddedBureau:
    """Runs the process: `start`, then `process.stop()` or `.kill()`, and `start` again on the same files.

    `api` calls it.
    """

    def __init__(self, folder: Path, *, env: Mapping[str, str] | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.bind = f"127.0.0.1:{self.port}"
        self.api = Api(f"http://{self.bind}")
        self._env = {"BIND": self.bind, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}
        self._launched: list[Process] = []
        self._started: Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.api.client.close()
        for process in self._launched:
            process.kill()

    @property
    def outbox(self) -> Path:
        return self.folder / "var/outbox"

    @property
    def process(self) -> Process:
        """What `start` started last."""
        assert self._started is not None
        return self._started

    @property
    def running(self) -> bool:
        return self._started is not None and self._started.running

    def start(self) -> None:
        """Returns when it serves."""
        self._started = self.launch("bureau.services.embedded")
        self._started.wait_for_line(f"Bureau is up: {self.api.url}", seconds=60)

    def launch(self, module: str) -> Process:
        """`python -m module` in this folder with this one's settings."""
        log = self.folder / f"{module}-{len(self._launched)}.log"
        process = Process([sys.executable, "-m", module], log=log, env=self._env, cwd=self.folder)
        self._launched.append(process)
        return process
