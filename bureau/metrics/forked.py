"""Metrics of a command that forks its processes: gunicorn's.

Each process writes its numbers to files in one folder (prometheus_client's multiprocess mode), so that they outlive
it, and all of them answer on one socket for all. To be made before anything imports `prometheus_client`, which
decides at its import how it counts.
"""

import os
import shutil
import sys
import tempfile
from functools import cache
from socket import socket

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class ForkedMetrics:
    """In the parent: `listen`, `forget` whoever died, `close`. In each child: `serve`."""

    def __init__(self, bind: str) -> None:
        if "prometheus_client" in sys.modules:
            raise RuntimeError("prometheus_client was imported before its folder was named")
        self._bind = bind
        self._listening: socket | None = None
        self.folder = tempfile.mkdtemp(prefix="bureau-metrics-")
        os.environ[_FOLDER] = self.folder

    @classmethod
    @cache
    def at(cls, bind: str) -> "ForkedMetrics":
        """The one of this command: a reload of its configuration goes on with the same numbers."""
        return cls(bind)

    def listen(self) -> None:
        from bureau.metrics.exposition import listen

        if self._listening is None:
            self._listening = listen(self._bind)

    def serve(self) -> None:
        from prometheus_client import CollectorRegistry
        from prometheus_client.multiprocess import MultiProcessCollector

        from bureau.metrics.exposition import serve
        from bureau.metrics.process_tree import ProcessTreeCollector

        assert self._listening is not None, "listen first"  # noqa: S101 - the parent's order
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self.folder)  # type: ignore[no-untyped-call]  # the library's
        registry.register(ProcessTreeCollector(os.getppid()))
        serve(self._listening, registry)

    def forget(self, pid: int) -> None:
        """A child has died: what it counted stays, what it was doing is over."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, self.folder)  # type: ignore[no-untyped-call]  # the library's

    def close(self) -> None:
        if self._listening is not None:
            self._listening.close()
        shutil.rmtree(self.folder, ignore_errors=True)
