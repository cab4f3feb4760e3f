"""Runs a function on connections in a fixed number of threads."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog

C = TypeVar("C")

log = structlog.get_logger(__name__)


class RequestThreads(Generic[C]):
    """Calls `serve` for each connection that is handed over.

    A `ThreadPoolExecutor` does the same, and makes a future and a condition for each call. The threads start with the
    first connection, so that a process may fork before.
    """

    def __init__(self, serve: Callable[[C], None], threads: int, name: str) -> None:
        self._serve = serve
        self._threads = threads
        self._name = name
        self._lock = threading.Lock()
        self._started: list[threading.Thread] = []
        self._handed: SimpleQueue[C | None] = SimpleQueue()

    def hand(self, connection: C) -> None:
        """Hands a connection to the next free thread."""
        if not self._started:
            self._start()
        self._handed.put(connection)

    def shutdown(self, wait: bool = True) -> None:
        """Ends the threads after what was handed over before; with `wait`, returns when they have ended."""
        with self._lock:
            threads = self._started
        for _ in threads:
            self._handed.put(None)
        for thread in threads if wait else ():
            thread.join()

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                self._started = [
                    threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True)
                    for number in range(self._threads)
                ]
                for thread in self._started:
                    thread.start()

    def _run(self) -> None:
        while (connection := self._handed.get()) is not None:
            try:
                self._serve(connection)
            except BaseException:  # a thread that ended would be missing for good
                log.exception("a connection could not be served")
