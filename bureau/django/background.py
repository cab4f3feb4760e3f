"""Sends what was committed from a thread of the process, so that a request does not wait for the gateway.

The row in the database is the guarantee, and the thread only the quick way: what it is not given or does not send stays
for `manage.py bureau_outbox`.
"""

import atexit
import contextlib
import logging
import os
import threading
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from queue import Empty, Full, Queue
from time import monotonic
from uuid import UUID

from django.db import close_old_connections, connections

from bureau.client import BureauError
from bureau.django.sending import send_rows

Handed = tuple[str, UUID]  # the alias of the database, and the row's id

QUEUE_ROWS = 1000
TOGETHER = 100  # rows of one request
EXIT_SECONDS = 1.0
_PAUSE_SECONDS = 5.0
_log = logging.getLogger(__name__)


class BackgroundSender:
    """Sends rows from one thread, which starts with the first row. Threads may share it; a forked process may not."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._queue: Queue[Handed | None] = Queue(QUEUE_ROWS)
        self._thread: threading.Thread | None = None
        self._again_at = 0.0
        self._ended = False

    def hand_over(self, database: str, job_id: UUID) -> None:
        """Takes a row that was committed. It is left to the command if the queue is full or no thread can start.

        So it is for a while after a failure: each row would wait for its timeout.
        """
        if self.pauses:
            return
        with contextlib.suppress(Full, RuntimeError):  # no thread starts in an interpreter that ends
            self._start()
            self._queue.put_nowait((database, job_id))

    def send_now(self, database: str, job_id: UUID) -> None:
        """Sends a row in this thread, unless the gateway failed a moment ago."""
        if not self.pauses:
            self._send(database, [job_id])

    @property
    def pauses(self) -> bool:
        """Returns whether the gateway failed a moment ago."""
        return monotonic() < self._again_at

    def close(self, seconds: float = EXIT_SECONDS) -> None:
        """Waits until what was handed over is sent, for `seconds` at most. In a forked process it does nothing."""
        if self._thread is None or self._pid != os.getpid():
            return
        with contextlib.suppress(Full):
            self._queue.put_nowait(None)
        self._thread.join(seconds)

    def _start(self) -> None:
        if self._thread and self._thread.is_alive():
            return
        with self._lock:
            if self._thread and self._thread.is_alive():
                return
            if self._thread is None:
                atexit.register(self.close)
            thread = threading.Thread(target=self._run, name="bureau-outbox", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        try:
            while handed := self._next():
                for database, group in groupby(sorted(handed), itemgetter(0)):
                    self._send_quietly(database, [job_id for _, job_id in group])
        finally:
            connections.close_all()

    def _next(self) -> list[Handed]:
        """Waits for rows and returns those that are there; none at the end.

        A connection is kept while there is work. Before a wait it is closed as Django closes it after a request.
        """
        if self._ended:
            return []
        if self._queue.empty():
            close_old_connections()
        taken = [self._queue.get()]
        with contextlib.suppress(Empty):
            while len(taken) < TOGETHER:
                taken.append(self._queue.get_nowait())
        self._ended = None in taken  # nothing comes after it
        return [one for one in taken if one]

    def _send_quietly(self, database: str, job_ids: Sequence[UUID]) -> None:
        """Sends rows, and logs what nobody foresaw, such as a lost connection: the thread goes on with the next."""
        try:
            self._send(database, job_ids)
        except Exception:  # noqa: BLE001 - whatever it is, the rows are safe and the thread must go on
            _log.exception("Rows of the outbox are left to manage.py bureau_outbox")
            close_old_connections()

    def _send(self, database: str, job_ids: Sequence[UUID]) -> None:
        if self.pauses:
            return
        try:
            send_rows(database, job_ids)
        except BureauError:
            self._again_at = monotonic() + _PAUSE_SECONDS


_SENDERS: dict[int, BackgroundSender] = {}  # by process: a fork takes the dictionary along, and not the thread


def of_this_process() -> BackgroundSender:
    """Returns the sender of this process. Two threads that ask first get the same one."""
    pid = os.getpid()
    return _SENDERS.get(pid) or _SENDERS.setdefault(pid, BackgroundSender())


def hand_over(database: str, job_id: UUID) -> None:
    """Has the process's thread send a row that was committed."""
    of_this_process().hand_over(database, job_id)


def send_now(database: str, job_id: UUID) -> None:
    """Sends a row that was committed, in this thread."""
    of_this_process().send_now(database, job_id)
