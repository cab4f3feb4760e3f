"""Cancels a statement at its source when the task is asked to stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bureau.stop_token import StopToken

RETRY_SECONDS = 0.25


@contextmanager
def cancelling(stop: StopToken, cancel: Callable[[], None]) -> Iterator[None]:
    """Calls `cancel` if `stop` is set while the block runs; the block then ends with `Stopped`.

    `cancel` runs in its own thread, because it may talk to the server. It is repeated every quarter of a second until
    the block ends, because a cancel between two statements would cancel nothing. It must not raise.
    """
    ended = threading.Event()

    def cancel_until_ended() -> None:
        while not ended.is_set():
            cancel()
            ended.wait(RETRY_SECONDS)

    thread = threading.Thread(target=cancel_until_ended, name="cancel-statement", daemon=True)
    try:
        with stop.interrupting(thread.start):
            yield
    finally:
        ended.set()
        if thread.ident is not None:
            thread.join()  # because the connection is closed next
