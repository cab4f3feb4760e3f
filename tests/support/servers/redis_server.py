"""Starts a private Redis on a free port, with Redis's own defaults."""

import shutil
from pathlib import Path
from typing import Self

from tests.support.running.processes import Process
from tests.support.servers.installing import installed
from tests.support.servers.ports import free_port, listens
from tests.support.servers.private import PrivateFolder


def find_binary() -> Path | None:
    """Returns the path of `redis-server`, or None."""
    found = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
    return Path(found) if found else None


class RedisServer:
    """Runs a server with snapshots and without an append-only file, which is Redis's own default.

    As a context manager it runs from the start of the block, and at the end nothing of it is left.
    """

    def __init__(self) -> None:
        self.binary = installed(find_binary, "redis-server", "PATH")
        self._folder = PrivateFolder("redis", "redis")
        self._port = free_port()
        self._process: Process | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Returns the URL of database 0."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def pids(self) -> list[int]:
        """Returns the server's pid while it runs; the children that write its snapshots descend from it."""
        return [self._process.pid] if self._process else []

    def start(self) -> None:
        """Returns when clients can connect."""
        command: list[str | Path] = [
            *(self.binary, "--port", str(self._port), "--bind", "127.0.0.1", "--dir", self._folder.path),
            *("--daemonize", "no", "--logfile", ""),
        ]
        log = self._folder.path / "server.log"
        self._process = Process(command, log=log, cwd=self._folder.path, user=self._folder.user)
        self._process.wait_until(lambda: listens(self._port), 20, "Redis listens")

    def close(self) -> None:
        """Kills it: its data goes too."""
        if self._process:
            self._process.kill()
            self._process = None
        self._folder.remove()
