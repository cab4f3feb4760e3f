"""Serves the metrics of a command that forks its processes, such as gunicorn.

Each process writes its numbers to files in one folder (prometheus_client's multiprocess mode), so that they outlive
the process. All processes share one socket, and each answers for all of them. `ForkedMetrics` must be made before
anything imports `prometheus_client`, which decides at its import how it counts.
"""

import os
import shutil
import sys
import tempfile
from functools import cache
from socket import socket

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class ForkedMetrics:
    """Shares metrics between processes. The parent calls `listen`, `forget` for a dead child, and `close`.

    Each child calls `serve`.
    """

    def __init__(self, bind: str) -> None:
        if "prometheus_client" in sys.modules:
            raise RuntimeError("prometheus_client was imported before its folder was set")
        self._bind = bind
        self._listening: socket | None = None
        self.folder = tempfile.mkdtemp(prefix="bureau-metrics-")
        os.environ[_FOLDER] = self.folder

    @classmethod
    @cache
    def at(cls, bind: str) -> "ForkedMetrics":
        """Returns this command's instance. It is cached, so that numbers survive a reload of the configuration."""
        return cls(bind)

    def listen(self) -> None:
        """Opens the socket. Raises `SystemExit` if the port is taken."""
        from bureau.metrics.exposition import listen

        if self._listening is None:
            self._listening = listen(self._bind)

    def serve(self) -> None:
        """Answers on the shared socket, in a thread."""
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector

        from bureau.metrics.exposition import serve
        from bureau.metrics.process_tree import ProcessTreeCollector

        assert self._listening is not None, "call listen() first"  # noqa: S101 - the parent's order
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self.folder)  # type: ignore[no-untyped-call]  # the library's
        registry.register(ProcessTreeCollector(os.getppid()))
        serve(self._listening, registry)

    def forget(self, pid: int) -> None:
        """Keeps the counters of a child that has died, and drops its gauges of work in progress."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, self.folder)  # type: ignore[no-untyped-call]  # the library's

    def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        shutil.rmtree(self.folder, ignore_errors=True)
