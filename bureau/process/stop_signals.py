"""Waits for SIGTERM or Ctrl-C in the main thread of a process with many threads."""

import os
import signal
import socket
import threading
from types import FrameType


class StopSignals:
    """Sets `received` at the first SIGTERM or SIGINT; a second signal ends the process at once with status 1.

    Create it in the main thread, before other threads start.
    """

    def __init__(self) -> None:
        self.received = threading.Event()
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def wait(self) -> None:
        """Returns when `received` is set.

        It reads the bytes that Python writes when a signal arrives. The kernel may deliver a signal to any thread, but
        Python runs handlers in the main thread alone; a main thread that waited on a lock would not wake up for it.
        """
        while not self.received.is_set():
            self._reader.recv(64)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        if self.received.is_set():
            os._exit(1)
        self.received.set()
