"""Ends a statement at its source when the task is asked to stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bureau.stop_token import StopToken

AGAIN_SECONDS = 0.25


@contextmanager
def cancelling(stop: StopToken, cancel: Callable[[], None]) -> Iterator[None]:
    """While the block runs, setting `stop` has `cancel` called, and the block ends with `Stopped`.

    `cancel` runs in a thread of its own, because it may talk to the server, and again every quarter of a second
    until the block ends: one that comes between two statements would cancel nothing. It must not raise.
    """
    ended = threading.Event()

    def insist() -> None:
        while not ended.is_set():
            cancel()
            ended.wait(AGAIN_SECONDS)

    thread = threading.Thread(target=insist, name="cancel-statement", daemon=True)
    try:
        with stop.interrupting(thread.start):
            yield
    finally:
        ended.set()
        if thread.ident is not None:
            thread.join()  # its connection is closed next
